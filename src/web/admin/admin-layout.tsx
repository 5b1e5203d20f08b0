import type { Child } from 'hono/jsx'
import { Document } from '../pages.tsx'

/** A page for who is in. */
export interface Viewer {
  /** The hidden field that each of its forms has. */
  form(): Child
  /** Of a page that may be loaded anew each minute: `to` turns that on or off. While it is on, nobody types there. */
  refresh?: { isOn: boolean; to: string } | undefined
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
      {viewer.refresh ? <Refresh {...viewer.refresh} /> : null}
      {children}
    </main>
  </Document>
)

const Refresh = ({ isOn, to }: NonNullable<Viewer['refresh']>) => (
  <p class="refresh">
    {isOn ? 'Loads anew each minute, without fields to type in. ' : null}
    <a href={to}>{isOn ? 'Stop that' : 'Refresh every minute'}</a>
  </p>
)

export const Heading = ({ title, of = '' }: { title: string; of?: string }) => (
  <h1>
    {title}
    {of === '' ? null : (
      <>
        {' '}
        of <bdi>{of}</bdi>
      </>
    )}
  </h1>
)

export const SignInPage = ({ wrong }: { wrong: string | undefined }) => (
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
