// Everything that a person does, from the registration to the end of the account.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { App, PASSWORD } from "./support/app.mjs";
import { setUp } from "./support/world.mjs";

for (const mode of ["body", "cookie"]) {
  describe(`journey, tokens in the ${mode}`, () => {
    const world = setUp({ mode, settings: { SIGNET_ACCOUNT__EMAIL_VERIFICATION: "mandatory" } });
    const linkTo = (page, address) =>
      world.signet.link(address, new RegExp(`${world.site.origin}/#/${page}/\\S+`));

    /** Registered and confirmed by the link in the mail. */
    async function confirmed(name, options) {
      const { context, complaints } = await world.newPerson(options);
      const app = await App.open(context, world.site.origin);
      await app.heading("Log in");
      await app.register(name);
      await app.page.goto(await linkTo("confirm", `${name}@example.com`));
      await app.heading("Confirm your address");
      await app.press("Confirm");
      await app.says("Your e-mail address is confirmed.");
      return { app, context, complaints };
    }

    test("register, confirm, log in, edit the profile, log out", async () => {
      const { app, complaints } = await confirmed("ann");
      await app.login("ann");
      const names = app.card("Names");
      await app.fill({ "First name": "Ann", "Last name": "Example" }, names);
      await app.press("Save", names);
      await app.says("Saved.");
      await app.page.reload();
      await app.heading("Profile");
      assert.equal(await names.getByLabel("First name").inputValue(), "Ann");
      await app.logout();
      await app.visit("/profile");
      await app.heading("Log in");
      assert.deepEqual(complaints, []);
    });

    test("log in on two devices, and end the session of one from the other", async () => {
      const { app } = await confirmed("bob");
      await app.login("bob@example.com");
      const userAgent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";
      const { context } = await world.newPerson({ userAgent });
      const other = await App.open(context, world.site.origin);
      await other.login("bob");

      await app.follow("Devices");
      await app.heading("Devices");
      const rows = app.page.getByRole("listitem");
      await rows.nth(1).waitFor();
      assert.equal(await rows.filter({ hasText: "This device" }).count(), 1);
      await app.press("End the session of Firefox on Windows");
      await rows.nth(1).waitFor({ state: "detached" });
      assert.match(await rows.innerText(), /This device/);

      await other.follow("Devices");
      await other.says("Your session has ended. Please log in again.");
      await app.page.reload();
      await app.heading("Devices");
    });

    test("log out everywhere", async () => {
      const { app } = await confirmed("cleo");
      await app.login("cleo");
      const { context } = await world.newPerson();
      const other = await App.open(context, world.site.origin);
      await other.login("cleo");
      await app.follow("Devices");
      await app.press("Log out everywhere");
      await app.heading("Log in");
      await other.follow("Devices");
      await other.says("Your session has ended. Please log in again.");
    });

    test("change the password, forget it, and choose another by the link in the mail", async () => {
      const { app } = await confirmed("dora");
      await app.login("dora");
      const card = app.card("Password");
      const fields = { "Current password": PASSWORD, "New password": "a", "New password, again": "b" };
      await app.fill({ ...fields, "Current password": "wrong" }, card);
      await app.press("Change password", card);
      await app.says("Your old password was entered incorrectly. Please enter it again.");
      const chosen = "second-correct-horse";
      await app.fill({ ...fields, "New password": chosen, "New password, again": chosen }, card);
      await app.press("Change password", card);
      await app.says("New password has been saved.");
      await app.logout();

      await app.follow("Forgot your password?");
      await app.fill({ "E-mail address": "dora@example.com" });
      await app.press("Send the link");
      await app.says("Password reset e-mail has been sent.");
      await app.page.goto(await linkTo("reset", "dora@example.com"));
      await app.heading("Choose a new password");
      const third = "third-correct-horse";
      await app.fill({ "New password": third, "New password, again": third });
      await app.press("Save password");
      await app.says("Password has been reset with the new password.");
      await app.login("dora", third);
    });

    test("change the address by the link in the mail, and delete the account", async () => {
      const { app } = await confirmed("emil");
      await app.login("emil");
      const card = app.card("E-mail address");
      await app.fill({ "New address": "emil@example.org", "Current password": PASSWORD }, card);
      await app.press("Change address", card);
      await app.page.goto(await linkTo("email", "emil@example.org"));
      await app.heading("Confirm your new address");
      await app.press("Confirm");
      await app.says("Your e-mail address was changed.");
      await app.says("emil@example.org");

      const deletion = app.card("Delete account");
      await app.fill({ "Current password": PASSWORD }, deletion);
      await app.press("Delete my account", deletion);
      await app.heading("Log in");
      await app.fill({ "User name or e-mail address": "emil", Password: PASSWORD });
      await app.press("Log in");
      await app.says("Unable to log in with provided credentials.");
    });
  });
}
