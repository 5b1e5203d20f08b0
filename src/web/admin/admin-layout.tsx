/** What each admin page stands in, and the one that asks who comes. */
import type { Child } from 'hono/jsx'
import { Document, Field, MessagePage } from '../pages.tsx'

/** A page for who is in. */
export interface Viewer {
  /** The hidden field that each of its forms has. */
  form(): Child
}

interface LayoutProps {
  title: string
  viewer: Viewer
  /** What came of the last action. */
  said?: string | undefined
  children?: Child
}

export const Layout = ({ title, viewer, said, children }: LayoutProps) => (
  <Document title={title}>
    <header>
      <nav aria-label="Pages">
        <strong>codex-task-bot</strong>
        <a href="/admin/">Runs</a>
        <a href="/admin/checks">Checks</a>
        <form method="post" action="/admin/sign-out">
          {viewer.form()}
          <button type="submit" class="plain">
            Sign out
          </button>
        </form>
      </nav>
    </header>
    <main>
      {said === undefined ? null : (
        <p class="said" role="status">
          {said}
        </p>
      )}
      {children}
    </main>
  </Document>
)

export const SignInPage = ({ wrong }: { wrong: string | undefined }) => (
  <Document title="Sign in">
    <main class="narrow">
      <h1>Sign in</h1>
      {wrong === undefined ? null : (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
      <section>
        <form method="post" action="/admin/sign-in">
          <Field
            id="token"
            label="The ADMIN_TOKEN of this bot"
            type="password"
            autocomplete="current-password"
            required
          />
          <div class="row">
            <button type="submit" class="main">
              Sign in
            </button>
          </div>
        </form>
      </section>
    </main>
  </Document>
)

export const Notice = ({ title, text }: { title: string; text: string }) => (
  <MessagePage title={title} text={text}>
    <a href="/admin/">To the runs</a>
  </MessagePage>
)
