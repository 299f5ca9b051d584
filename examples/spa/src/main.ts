import type { EndReason } from "@signet/client";

import { markCurrent, showHeader } from "./header";
import { go, show, start, type Route } from "./router";
import { connect, signet } from "./signet";
import { checkMail, confirmEmail, confirmEmailChange } from "./views/confirm";
import { devices } from "./views/devices";
import { login } from "./views/login";
import { profile } from "./views/profile";
import { register } from "./views/register";
import { forgotPassword, resetPassword } from "./views/reset";

const routes: Route[] = [
  { path: "/login", view: login, for: "anonymous" },
  { path: "/register", view: register, for: "anonymous" },
  { path: "/check-mail/:email", view: checkMail },
  { path: "/confirm/:key", view: confirmEmail },
  { path: "/email/:key", view: confirmEmailChange },
  { path: "/forgot", view: forgotPassword, for: "anonymous" },
  { path: "/reset/:uid/:token", view: resetPassword },
  { path: "/", view: profile, for: "authenticated" },
  { path: "/profile", view: profile, for: "authenticated" },
  { path: "/devices", view: devices, for: "authenticated" },
];

const farewells: Record<EndReason, string> = {
  logout: "You are logged out.",
  elsewhere: "You were logged out in another tab.",
  expired: "Your session has ended. Please log in again.",
};

await connect((reason) => go("/login", farewells[reason]));
signet.subscribe((state) => {
  showHeader();
  // also when another tab has logged in as somebody else
  if (state === "authenticated") void show();
});
addEventListener("hashchange", markCurrent);
showHeader();
start(routes);
