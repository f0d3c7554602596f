/** Gives the one phone of this tab to the screens that show it. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import { Phone, type PhoneView } from "./Phone";

const Context = createContext<Phone | null>(null);

/** The phone lives as long as the person is signed in, whatever page is open. */
export function PhoneProvider({
  user,
  onSignedOut,
  children,
}: {
  user: string;
  onSignedOut: () => void;
  children: ReactNode;
}) {
  const [phone] = useState(() => new Phone(user, onSignedOut));
  const cache = useQueryClient();
  useEffect(() => phone.start(), [phone]);
  useEffect(() => {
    // The log beside the phone must not say "talking" when the phone has just hung up.
    const stage = () => phone.view().told?.call?.state;
    let shown = stage();
    const unwatch = phone.watch(() => {
      if (stage() === shown) return;
      shown = stage();
      for (const key of ["calls", "call"]) void cache.invalidateQueries({ queryKey: [key] });
    });
    return () => void unwatch();
  }, [phone, cache]);
  return <Context value={phone}>{children}</Context>;
}

export function usePhone(): [PhoneView, Phone] {
  const phone = useContext(Context);
  if (!phone) throw new Error("usePhone outside of PhoneProvider");
  return [useSyncExternalStore(phone.watch, phone.view), phone];
}
