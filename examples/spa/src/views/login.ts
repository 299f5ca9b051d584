import { card, h, link } from "../dom";
import { form } from "../form";
import { signet } from "../signet";

export function login(): HTMLElement {
  return card(
    "Log in",
    form({
      fields: [
        {
          name: "identifier",
          label: "User name or e-mail address",
          autocomplete: "username",
          aliases: ["username", "email"],
        },
        { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
      ],
      submit: "Log in",
      // what follows is shown when the state changes
      action: async ({ identifier = "", password = "" }) => {
        const name = identifier.includes("@") ? { email: identifier } : { username: identifier };
        await signet.login({ ...name, password });
      },
    }),
    h("p", { class: "links" }, link("/register", "Create an account"), link("/forgot", "Forgot your password?")),
  );
}
