import { createRemoteJWKSet, jwtVerify } from "jose"; // npm install jose

const issuer = process.env.ISSUER ?? "http://127.0.0.1:8080";
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", issuer));
const expected = { issuer, audience: "signet", algorithms: ["ES256"], typ: "at+jwt" };

/** The claims of a good access token; throws for any other. */
export async function verify(token) {
  const { payload } = await jwtVerify(token, keys, expected);
  return payload;
}
