/** The whole app: who is signed in decides what is shown. */
import { QueryClient, QueryClientProvider, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { Redirect, Route, Switch } from "wouter";
import { isSignedOut } from "../api/request";
import { canDraw, useMe } from "../api/session";
import { CallPage } from "../screens/calls/CallPage";
import { CallsPage } from "../screens/calls/CallsPage";
import { FlowsPage } from "../screens/flows/FlowsPage";
import { Login } from "../screens/login/Login";
import { PhoneProvider } from "../screens/softphone/PhoneContext";
import { Spinner } from "../ui/Button";
import { EmptyState, ErrorState } from "../ui/states";
import { Tips } from "../ui/Tip";
import { Shell } from "./Shell";

// The canvas is heavy and agents do not need it.
const FlowPage = lazy(() => import("../screens/flows/FlowPage"));
const SettingsPage = lazy(() => import("../screens/settings/SettingsPage"));
const EditorPage = lazy(() => import("../screens/editor/EditorPage"));

export function App() {
  const [cache] = useState(newCache);
  return (
    <QueryClientProvider client={cache}>
      <Tips>
        <Door />
      </Tips>
    </QueryClientProvider>
  );
}

function Door() {
  const me = useMe();
  const cache = useQueryClient();
  if (me.data === null) return <Login />;
  if (me.data === undefined)
    return (
      <main className="grid min-h-dvh place-items-center">
        {me.isError ? (
          <ErrorState title="Patchbay cannot be reached" onRetry={() => void me.refetch()}>
            {me.error.message}
          </ErrorState>
        ) : (
          <Waiting />
        )}
      </main>
    );
  return (
    <PhoneProvider key={me.data.id} user={me.data.id} onSignedOut={() => cache.setQueryData(["me"], null)}>
      <Shell me={me.data}>
        <Suspense fallback={<Waiting />}>
          <Switch>
            <Route path="/">
              <Redirect to="/calls" replace />
            </Route>
            <Route path="/calls" component={CallsPage} />
            <Route path="/calls/:id">
              {({ id }) => <CallPage key={id} id={id} role={me.data?.role ?? "agent"} />}
            </Route>
            <Route path="/flows" component={FlowsPage} />
            <Route path="/flows/:id">
              {({ id }) =>
                canDraw(me.data?.role ?? "agent") ? (
                  <EditorPage key={id} id={id} />
                ) : (
                  <FlowPage key={id} id={id} />
                )
              }
            </Route>
            {canDraw(me.data?.role ?? "agent") ? (
              <Route path="/settings/:subject?">
                {({ subject }) => <SettingsPage subject={subject ?? ""} />}
              </Route>
            ) : null}
            <Route>
              <EmptyState icon="search" title="There is no such page">
                The address may be mistyped, or the page has moved.
              </EmptyState>
            </Route>
          </Switch>
        </Suspense>
      </Shell>
    </PhoneProvider>
  );
}

function Waiting() {
  return (
    <div role="status" aria-label="Loading" className="grid min-h-60 place-items-center text-faint">
      <Spinner size={22} />
    </div>
  );
}

function newCache(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // A refusal will not become a yes by asking again; a lost packet may.
        retry: (failures, fault) => !isSignedOut(fault) && failures < 2,
        refetchOnWindowFocus: true,
      },
    },
  });
}
