import { defineConfig, loadEnv } from "vite";

// Without VITE_SIGNET_URL the app asks its own origin, and this server passes that on to a Signet
// on this machine.
const proxy = { "/auth": "http://127.0.0.1:8080" };

export default defineConfig(({ mode }) => {
  const signet = loadEnv(mode, ".").VITE_SIGNET_URL ?? "";
  return {
    base: "./",
    server: { proxy, fs: { allow: ["../.."] } },
    preview: { proxy },
    plugins: [
      {
        name: "signet-in-csp",
        transformIndexHtml: (html) => html.replace("%SIGNET%", signet),
      },
    ],
  };
});
