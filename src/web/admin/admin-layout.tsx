import type { Child } from 'hono/jsx'
import { Document } from '../pages.tsx'
import { style } from './admin-style.ts'

/** A page for who is in. */
export interface Viewer {
  /** The hidden field that each of its forms has. */
  form(): Child
  /** Who signed in with GitHub, and sees only what they administer there. */
  login: string | undefined
}

interface LayoutProps {
  title: string
  viewer: Viewer
  /** What came of the last action. */
  said?: string | undefined
  children?: Child
}

export const Layout = ({ title, viewer, said, children }: LayoutProps) => (
  <Document title={title} style={style}>
    <header>
      <nav aria-label="Pages">
        <strong>codex-task-bot</strong>
        <a href="/admin/">Runs</a>
        <a href="/admin/outcomes">Outcomes</a>
        <a href="/admin/settings">Settings</a>
        {viewer.login === undefined ? <a href="/admin/checks">Checks</a> : null}
        {viewer.login === undefined ? null : <span class="dim who">{viewer.login}</span>}
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

interface SignInProps {
  wrong?: string | undefined
  withGitHub: boolean
}

export const SignInPage = ({ wrong, withGitHub }: SignInProps) => (
  <Document title="Sign in" style={style}>
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
      {withGitHub ? (
        <section aria-labelledby="with-github">
          <h2 id="with-github">Or with your GitHub account</h2>
          <p>You see the repositories that you administer. The bot keeps nothing of your account.</p>
          <form class="row" method="post" action="/admin/sign-in/github">
            <button type="submit">Sign in with GitHub</button>
          </form>
        </section>
      ) : null}
    </main>
  </Document>
)

/** Our own page leads on: to a browser that comes from GitHub, the first page would not be asked for by us. */
export const WelcomePage = ({ login }: { login: string }) => (
  <Document title="Signed in" style={style} next="/admin/">
    <main>
      <h1>Signed in as {login}</h1>
      <p>
        <a href="/admin/">To the runs</a>
      </p>
    </main>
  </Document>
)

export const MessagePage = ({ title, text }: { title: string; text: string }) => (
  <Document title={title} style={style}>
    <main>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/admin/">To the runs</a>
      </p>
    </main>
  </Document>
)
