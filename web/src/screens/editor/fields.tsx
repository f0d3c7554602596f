/** The small inputs of the side panel: what is typed is judged in words, and only what is fine is kept. */
import { useState } from "react";
import { checkNumber, type Verdict } from "../../core/flow-check";
import { Field } from "../../ui/Field";

/** A whole number. What is no number stays in the field and out of the flow. */
export function NumberField({
  label,
  value,
  from,
  to,
  unit,
  onChange,
  onPause,
}: {
  label: string;
  value: number;
  from: number;
  to: number;
  unit?: string;
  onChange: (value: number) => void;
  onPause?: () => void;
}) {
  const [typed, setTyped] = useState(String(value));
  const [was, setWas] = useState(value);
  if (was !== value) {
    setWas(value);
    if (Number(typed) !== value) setTyped(String(value));
  }
  const verdict = checkNumber(typed, from, to, unit);
  return (
    <Field
      small
      label={unit ? `${label} (${unit})` : label}
      inputMode="numeric"
      autoComplete="off"
      value={typed}
      {...(verdict ? { error: verdict } : {})}
      onBlur={() => {
        if (verdict) setTyped(String(value));
        onPause?.();
      }}
      onChange={(event) => {
        setTyped(event.target.value);
        if (!checkNumber(event.target.value, from, to)) onChange(Number(event.target.value));
      }}
    />
  );
}

/** One line of text with a verdict below. */
export function TextField({
  label,
  value,
  check,
  hint,
  placeholder,
  list,
  bare = false,
  tidy,
  onChange,
  onPause,
}: {
  label: string;
  value: string;
  check?: (typed: string) => Verdict;
  hint?: string;
  placeholder?: string;
  list?: string;
  bare?: boolean;
  /** Applied when the field is left. */
  tidy?: (typed: string) => string;
  onChange: (value: string) => void;
  onPause?: () => void;
}) {
  const [left, setLeft] = useState(value !== "");
  const verdict = check?.(value) ?? null;
  // An empty field is not scolded before somebody has been in it.
  const told = verdict && (left || value !== "") ? { error: verdict } : hint ? { hint } : {};
  return (
    <Field
      small
      bare={bare}
      label={label}
      value={value}
      placeholder={placeholder}
      list={list}
      autoComplete="off"
      spellCheck={false}
      {...told}
      onBlur={() => {
        setLeft(true);
        const tidied = tidy?.(value) ?? value;
        if (tidied !== value) onChange(tidied);
        onPause?.();
      }}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
