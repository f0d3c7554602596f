/** Gives the one phone of this tab to the screens that show it. */
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
  useEffect(() => phone.start(), [phone]);
  return <Context value={phone}>{children}</Context>;
}

export function usePhone(): [PhoneView, Phone] {
  const phone = useContext(Context);
  if (!phone) throw new Error("usePhone outside of PhoneProvider");
  return [useSyncExternalStore(phone.watch, phone.view), phone];
}
