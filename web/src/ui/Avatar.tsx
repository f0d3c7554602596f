/** A person as a coloured disc with initials; the colour comes from the name and stays. */
import { classes } from "./classes";

/** `name` may be a number: then the disc shows a hash of it and no letters are made up. */
export function Avatar({ name, size = "md" }: { name: string; size?: "sm" | "md" | "lg" }) {
  return (
    <span
      aria-hidden="true"
      className={classes(
        "inline-grid shrink-0 select-none place-items-center rounded-full font-semibold",
        SIZES[size],
      )}
      style={paint(name)}
    >
      {initials(name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((w) => /\p{L}/u.test(w));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((w) => (w ? [...w][0] : ""));
  return letters.join("").toLocaleUpperCase() || "#";
}

function paint(name: string) {
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return {
    background: `light-dark(oklch(0.93 0.045 ${hue}), oklch(0.34 0.06 ${hue}))`,
    color: `light-dark(oklch(0.4 0.09 ${hue}), oklch(0.87 0.07 ${hue}))`,
  };
}

const SIZES = { sm: "size-7 text-2xs", md: "size-9 text-xs", lg: "size-14 text-lg" };
