// Confirming an address: after registration, and when it was changed.

import { card, h, link } from "../dom";
import { form } from "../form";
import { go } from "../router";
import { signet } from "../signet";

export function checkMail(email = ""): HTMLElement {
  return card(
    "Check your mail",
    h("p", {}, "We have sent a link to ", h("strong", {}, email), ". Open it to confirm your address."),
    h("p", { class: "hint" }, "Nothing there? Look among the spam, or have it sent again."),
    form({
      fields: [],
      submit: "Send it again",
      action: async () => {
        await signet.resendEmail(email);
        return "If the address waits for confirmation, a new link is on its way.";
      },
    }),
    h("p", { class: "links" }, link("/profile", "Go on")),
  );
}

/** A button, since programs that look through mails open links and press nothing. */
export function confirmEmail(key = ""): HTMLElement {
  return card(
    "Confirm your address",
    h("p", {}, "One click, and your e-mail address is confirmed."),
    form({
      fields: [],
      submit: "Confirm",
      action: async () => {
        await signet.verifyEmail(key);
        go(signet.state === "anonymous" ? "/login" : "/profile", "Your e-mail address is confirmed.");
      },
    }),
  );
}

export function confirmEmailChange(key = ""): HTMLElement {
  return card(
    "Confirm your new address",
    h("p", {}, "One click, and this is the e-mail address of your account."),
    form({
      fields: [],
      submit: "Confirm",
      action: async () => {
        await signet.confirmEmailChange(key);
        go(signet.state === "anonymous" ? "/login" : "/profile", "Your e-mail address was changed.");
      },
    }),
  );
}
