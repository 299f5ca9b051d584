import type { User } from "@signet/client";

import { h, page, section } from "../dom";
import { form, type Field } from "../form";
import { signet } from "../signet";

export async function profile(): Promise<HTMLElement> {
  const user = await signet.user();
  return page("Profile", names(user), password(), email(user), deletion());
}

function names(user: User): HTMLElement {
  return section(
    "Names",
    form({
      fields: [
        { name: "username", label: "User name", autocomplete: "username", value: user.username },
        { name: "first_name", label: "First name", autocomplete: "given-name", value: user.first_name },
        { name: "last_name", label: "Last name", autocomplete: "family-name", value: user.last_name },
      ],
      submit: "Save",
      action: async ({ username, first_name, last_name }) => {
        await signet.updateUser({ username, first_name, last_name });
        return "Saved.";
      },
    }),
  );
}

function password(): HTMLElement {
  return section(
    "Password",
    form({
      fields: [
        currentPassword("old_password"),
        { name: "new_password1", label: "New password", type: "password", autocomplete: "new-password" },
        { name: "new_password2", label: "New password, again", type: "password", autocomplete: "new-password" },
      ],
      submit: "Change password",
      action: async ({ old_password = "", new_password1 = "", new_password2 = "" }) =>
        (await signet.changePassword({ old_password, new_password1, new_password2 })).detail,
    }),
  );
}

function email(user: User): HTMLElement {
  return section(
    "E-mail address",
    h("p", {}, "Now: ", h("strong", {}, user.email || "none")),
    form({
      fields: [
        {
          name: "email",
          label: "New address",
          type: "email",
          autocomplete: "email",
          hint: "It holds once you open the link that we send there.",
        },
        currentPassword("password"),
      ],
      submit: "Change address",
      action: async ({ email = "", password = "" }) => (await signet.changeEmail({ email, password })).detail,
    }),
  );
}

function deletion(): HTMLElement {
  return section(
    "Delete account",
    h("p", {}, "Everything that belongs to it is gone at once, and cannot be brought back."),
    form({
      fields: [currentPassword("password")],
      submit: "Delete my account",
      danger: true,
      action: async ({ password = "" }) => signet.deleteUser(password),
    }),
  );
}

const currentPassword = (name: string): Field => ({
  name,
  label: "Current password",
  type: "password",
  autocomplete: "current-password",
});
