import { card, h, link } from "../dom";
import { form } from "../form";
import { go } from "../router";
import { signet } from "../signet";

export function register(): HTMLElement {
  return card(
    "Create an account",
    form({
      fields: [
        { name: "username", label: "User name", autocomplete: "username" },
        { name: "email", label: "E-mail address", type: "email", autocomplete: "email" },
        { name: "password1", label: "Password", type: "password", autocomplete: "new-password" },
        { name: "password2", label: "Password, again", type: "password", autocomplete: "new-password" },
      ],
      submit: "Create account",
      action: async ({ username, email = "", password1 = "", password2 = "" }) => {
        await signet.register({ username, email, password1, password2 });
        go(`/check-mail/${encodeURIComponent(email)}`);
      },
    }),
    h("p", { class: "links" }, link("/login", "I have an account")),
  );
}
