import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { style } from './admin-style.ts'

/** A page for who is in. `form` makes the hidden field that each of its forms has. */
export interface Viewer {
  form(): Child
}

const Document = ({ title, children }: { title: string; children?: Child }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <title>{title} · codex-task-bot</title>
      <link rel="icon" href="data:," />
      <style>{raw(style)}</style>
    </head>
    <body>{children}</body>
  </html>
)

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

export const SignInPage = ({ wrong }: { wrong?: string | undefined }) => (
  <Document title="Sign in">
    <main>
      <h1>Sign in</h1>
      {wrong === undefined ? null : (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
      <section>
        <form method="post" action="/admin/sign-in">
          <div class="field">
            <label for="token">The ADMIN_TOKEN of this bot</label>
            <input id="token" name="token" type="password" autocomplete="current-password" required />
          </div>
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

export const MessagePage = ({ title, text }: { title: string; text: string }) => (
  <Document title={title}>
    <main>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/admin/">To the runs</a>
      </p>
    </main>
  </Document>
)
