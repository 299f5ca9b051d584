// verify.mjs, as the README shows it, on the cases of forge.py.
import { readFileSync } from "node:fs";
import { mock } from "node:test";
import { verify } from "./verify.mjs";

const { subject, good, bad } = JSON.parse(readFileSync(process.argv[2], "utf8"));

function report(what, isGood, found) {
  console.log(`${isGood ? "ok" : "FAILED"}  jose  ${what}${isGood ? "" : `: ${found}`}`);
}

async function attempt(token) {
  try {
    return `accepted for ${(await verify(token)).sub}`;
  } catch (error) {
    return `refused, ${error.code}`;
  }
}

let found = await attempt(good);
report("accepts a good token", found === `accepted for ${subject}`, found);
mock.timers.enable({ apis: ["Date"], now: Date.now() + 11 * 60_000 });
found = await attempt(good);
mock.timers.reset();
report("refuses it when it has expired", found === "refused, ERR_JWT_EXPIRED", found);
for (const [what, token] of Object.entries(bad)) {
  found = await attempt(token);
  // Only for what the token is: a verifier without keys refuses everything.
  const isRefused = /^refused, ERR_J(WT|WS|OSE|WKS_NO_MATCHING_KEY)/.test(found);
  report(`refuses ${what}`, isRefused, found);
}
