/** How the view moves: gently, or at once for those who asked for less motion. */
export function glide(): { duration: number } {
  return { duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : GLIDE_MS };
}

const GLIDE_MS = 200;
