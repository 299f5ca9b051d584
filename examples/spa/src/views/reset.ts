import { card, h, link } from "../dom";
import { form } from "../form";
import { go } from "../router";
import { signet } from "../signet";

export function forgotPassword(): HTMLElement {
  return card(
    "Forgot your password?",
    h("p", {}, "We send you a link with which you choose a new one."),
    form({
      fields: [{ name: "email", label: "E-mail address", type: "email", autocomplete: "email" }],
      submit: "Send the link",
      action: async ({ email = "" }) => (await signet.requestReset(email)).detail,
    }),
    h("p", { class: "links" }, link("/login", "Back to the login")),
  );
}

export function resetPassword(uid = "", token = ""): HTMLElement {
  return card(
    "Choose a new password",
    form({
      fields: [
        { name: "new_password1", label: "New password", type: "password", autocomplete: "new-password" },
        { name: "new_password2", label: "New password, again", type: "password", autocomplete: "new-password" },
      ],
      submit: "Save password",
      action: async ({ new_password1 = "", new_password2 = "" }) => {
        const answer = await signet.confirmReset({ uid, token, new_password1, new_password2 });
        go("/login", answer.detail);
      },
    }),
    h("p", { class: "links" }, link("/forgot", "Ask for a new link")),
  );
}
