/** How the app is built and served while it is being written. */
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds controld. */
const CONTROLD = process.env.PATCHBAY_URL ?? "http://127.0.0.1:8080";

// WHY `headers.origin`: controld accepts requests of its own origin only, and the dev server is another one.
const toControld = { target: CONTROLD, changeOrigin: true, ws: true, headers: { origin: CONTROLD } };

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    assetsInlineLimit: 0,
    // WHY public/.gitkeep: it lands in dist again, so controld can embed the folder before the first build.
    emptyOutDir: true,
  },
  server: { proxy: { "/api": toControld, "/recordings": toControld } },
  preview: { proxy: { "/api": toControld, "/recordings": toControld } },
  test: { include: ["src/**/*.test.ts"] },
});
