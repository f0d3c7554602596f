/** Where one signs in. */
import { type FormEvent, useRef } from "react";
import { useSignIn } from "../../api/session";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Mark } from "../../ui/Icon";
import { Notice } from "../../ui/Notice";

export function Login() {
  const signIn = useSignIn();
  const password = useRef<HTMLInputElement>(null);
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate(
      { email: String(form.get("email") ?? "").trim(), password: String(form.get("password") ?? "") },
      { onError: () => password.current?.select() },
    );
  }
  return (
    <main className="grid min-h-dvh place-items-center px-5 py-10">
      <div className="w-full max-w-90 animate-rise">
        <div className="mb-8 flex flex-col items-center text-center">
          <Mark size={48} />
          <h1 className="mt-5 font-semibold text-2xl tracking-tight">Sign in to Patchbay</h1>
          <p className="mt-1.5 text-soft text-sm">Calls from WhatsApp, answered in your browser.</p>
        </div>
        <form
          onSubmit={submit}
          className="flex flex-col gap-4 rounded-2xl border border-line bg-card p-6 shadow-raised"
        >
          {signIn.isError ? (
            <div role="alert">
              <Notice tone="stop">{signIn.error.message}</Notice>
            </div>
          ) : null}
          <Field label="E-mail" name="email" type="email" autoComplete="username" required autoFocus />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            ref={password}
          />
          <div className="mt-1">
            <Button type="submit" tone="brand" size="lg" wide busy={signIn.isPending}>
              Sign in
            </Button>
          </div>
        </form>
      </div>
    </main>
  );
}
