import type { Device } from "@signet/client";

import { h, page } from "../dom";
import { form } from "../form";
import { show } from "../router";
import { signet } from "../signet";
import { describe } from "../user_agent";

export async function devices(): Promise<HTMLElement> {
  const all = await signet.sessions();
  return page(
    "Devices",
    h("p", {}, "Where you are logged in. End what you do not know, and change your password then."),
    h("ul", { class: "devices card" }, ...all.map(device)),
    form({
      fields: [],
      submit: "Log out everywhere",
      danger: true,
      action: async () => void (await signet.logoutAll()),
    }),
  );
}

function device({ id, user_agent, address, last_used_at, current }: Device): HTMLElement {
  const name = describe(user_agent ?? "");
  const time = h("time", { datetime: last_used_at }, moment(last_used_at));
  return h(
    "li",
    {},
    h(
      "div",
      {},
      h("strong", { title: user_agent ?? "" }, name),
      current && h("span", { class: "badge" }, "This device"),
      h("p", { class: "hint" }, address ? `${address} · ` : "", "last used ", time),
    ),
    !current && ending(id, name),
  );
}

function ending(id: string, name: string): HTMLElement {
  const element = form({
    fields: [],
    submit: "End",
    action: async () => {
      await signet.endSession(id);
      void show();
    },
  });
  element.querySelector("button")!.setAttribute("aria-label", `End the session of ${name}`);
  return element;
}

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const moment = (time: string) => format.format(new Date(time));
