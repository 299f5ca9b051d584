// jose with each algorithm that Signet offers: usage: check_algorithms.mjs ALGORITHM LOGIN, where LOGIN
// is a file with the answer to a login.
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [algorithm, login] = process.argv.slice(2);
const { access, user } = JSON.parse(readFileSync(login, "utf8"));
const issuer = process.env.ISSUER;
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

async function verify(algorithms) {
  try {
    const { payload } = await jwtVerify(access, keys, { algorithms, issuer, audience: "signet" });
    return `accepted for ${payload.sub}`;
  } catch (error) {
    return `refused, ${error.code}`;
  }
}

function report(what, isGood, found) {
  console.log(`${isGood ? "ok" : "FAILED"}  jose  ${what}${isGood ? "" : `: ${found}`}`);
}

let found = await verify([algorithm]);
report(`accepts ${algorithm}`, found === `accepted for ${user.pk}`, found);
const others = ["ES256", "ES384", "EdDSA", "RS256", "PS256"].filter((other) => other !== algorithm);
found = await verify(others);
report(`refuses ${algorithm} where another is expected`, found === "refused, ERR_JOSE_ALG_NOT_ALLOWED", found);
