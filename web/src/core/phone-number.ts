/** Phone numbers as people read them. */

/** Digits as WhatsApp tells them, grouped after the country: "+1 555 999 0000". What is not a number stays as it is. */
export function prettyNumber(digits: string): string {
  const bare = digits.replace(/^\+/, "");
  if (!/^\d{7,15}$/.test(bare)) return digits;
  const country = countryOf(bare);
  return `+${country} ${groups(bare.slice(country.length)).join(" ")}`;
}

/** The contact's name and, if it says more, the number. */
export function nameAndNumber(name: string, phone: string): { name: string; number: string | null } {
  const number = phone ? prettyNumber(phone) : null;
  if (!name || name.replace(/\D/g, "") === phone.replace(/\D/g, "")) {
    return phone ? { name: number ?? phone, number: null } : { name: name || "Unknown caller", number: null };
  }
  return { name, number };
}

function countryOf(bare: string): string {
  if (bare.startsWith("1") || bare.startsWith("7")) return bare.slice(0, 1);
  return TWO_DIGITS.has(bare.slice(0, 2)) ? bare.slice(0, 2) : bare.slice(0, 3);
}

function groups(rest: string): string[] {
  const sizes =
    rest.length === 10
      ? [3, 3, 4]
      : rest.length % 3 === 1
        ? [...thirds(rest.length - 4), 2, 2]
        : thirds(rest.length);
  const parts: string[] = [];
  let at = 0;
  for (const size of sizes) {
    parts.push(rest.slice(at, at + size));
    at += size;
  }
  return parts.filter(Boolean);
}

function thirds(length: number): number[] {
  const whole = Array.from({ length: Math.floor(length / 3) }, () => 3);
  return length % 3 === 0 ? whole : [...whole, length % 3];
}

// ITU-T E.164: every country code of two digits; the rest, 1 and 7 apart, has three.
const TWO_DIGITS = new Set(
  "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98".split(
    " ",
  ),
);
