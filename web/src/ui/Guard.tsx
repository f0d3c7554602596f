/** Catches what breaks while drawing, so that one broken page never takes the phone with it. */
import { Component, type ReactNode } from "react";
import { ErrorState } from "./states";

/** A new `of` (the page's address) gives the page another chance. */
export class Guard extends Component<{ of: string; children: ReactNode }, { broken: string | null }> {
  override state: { broken: string | null } = { broken: null };

  static getDerivedStateFromError(fault: unknown) {
    return { broken: fault instanceof Error ? fault.message : String(fault) };
  }

  override componentDidUpdate(before: { of: string }) {
    if (before.of !== this.props.of && this.state.broken !== null) this.setState({ broken: null });
  }

  override render() {
    if (this.state.broken === null) return this.props.children;
    return (
      <ErrorState title="This page broke" onRetry={() => this.setState({ broken: null })}>
        Your phone goes on. What the page said: {this.state.broken}
      </ErrorState>
    );
  }
}
