/** What pages for people have in common: how they look, what browsers are told, and how much they take. */
import { createHash } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { raw } from 'hono/html'
import type { Child, JSX } from 'hono/jsx'
import { secureHeaders } from 'hono/secure-headers'
import { type Check, checkSign } from '../core/model/check.ts'
import { isFromHere, isScript } from './requests.ts'

export interface PageEnv {
  Bindings: HttpBindings
  Variables: {
    /** Where a form of this page leads, besides here. */
    formsTo: string | undefined
    /** What was sent. */
    fields: URLSearchParams
  }
}

/** Bytes of the largest form. */
const maxForm = 10_000

/**
 * Nothing is kept, and the only style sheet is ours: scripts, frames and everything of others are out. What is sent
 * counts only from a page of ours, or from a script that has a token.
 */
export function bounds() {
  const digest = `sha256-${createHash('sha256').update(style).digest('base64')}`
  return [
    secureHeaders({
      xFrameOptions: 'DENY',
      // `no-referrer` would hide from our own forms where they come from.
      referrerPolicy: 'same-origin',
      // Whether a name is always served by https is for its proxy to say.
      strictTransportSecurity: false,
    }),
    // secure-headers would fix the policy before the page has said where its form leads.
    createMiddleware<PageEnv>(async (c, next) => {
      await next()
      const policy = [
        "default-src 'none'",
        `style-src '${digest}'`,
        `img-src data:; form-action 'self' ${c.get('formsTo') ?? ''}`.trim(),
        "frame-ancestors 'none'; base-uri 'none'",
      ]
      c.res.headers.set('cache-control', 'no-store')
      c.res.headers.set('content-security-policy', policy.join('; '))
    }),
    bodyLimit({ maxSize: maxForm, onError: c => c.text('too much\n', 413) }),
    createMiddleware<PageEnv>(async (c, next) => {
      if (c.req.method !== 'POST') return next()
      const { headers } = c.req.raw
      if (!isFromHere(headers) && !isScript(headers)) return c.html(fromElsewhere, 403)
      c.set('fields', new URLSearchParams(await c.req.text()))
      return next()
    }),
  ]
}

export interface DocumentProps {
  title: string
  children?: Child
}

export const Document = ({ title, children }: DocumentProps) => (
  <>
    {raw('<!doctype html>\n')}
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
  </>
)

/** A page of one thing. */
export const MessagePage = ({ title, text, children }: DocumentProps & { text?: string }) => (
  <Document title={title}>
    <main class="narrow">
      <h1>{title}</h1>
      {text === undefined ? null : <p>{text}</p>}
      {children}
    </main>
  </Document>
)

const fromElsewhere = (
  <MessagePage title="Not done" text="This did not come from a page of this bot." />
)

/** What came of what somebody just did, if there is anything to say. */
export const Said = ({ text, isWrong }: { text: string | undefined; isWrong?: true }) =>
  text === undefined ? null : (
    <p class={isWrong ? 'wrong' : 'said'} role={isWrong ? 'alert' : 'status'}>
      {text}
    </p>
  )

interface ButtonProps {
  tone?: 'main' | 'danger' | 'plain' | undefined
  children?: Child
}

/** Sends the form that it is in. */
export const Button = ({ tone, children }: ButtonProps) => (
  <button type="submit" class={tone}>
    {children}
  </button>
)

/** A link out of our pages. */
export const NewTab = ({ children, ...link }: JSX.IntrinsicElements['a']) => (
  <a {...link} target="_blank" rel="noreferrer">
    {children}
  </a>
)

interface FieldProps extends Omit<JSX.IntrinsicElements['input'], 'id' | 'name'> {
  id: string
  label: string
  more?: string | undefined
  hint?: string
  problem?: string | undefined
}

export const Field = ({ id, label, more, hint, problem, ...input }: FieldProps) => (
  <div class="field">
    <label for={id}>
      {label}
      {more ? <span class="more"> {more}</span> : null}
    </label>
    <input
      id={id}
      name={id}
      autocapitalize="off"
      spellcheck={false}
      aria-invalid={problem ? 'true' : undefined}
      aria-describedby={hint && `${id}-hint${problem ? ` ${id}-error` : ''}`}
      {...input}
    />
    {problem ? (
      <p class="error" id={`${id}-error`}>
        {problem}
      </p>
    ) : null}
    {hint ? (
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    ) : null}
  </div>
)

function signOf({ ok, unsure }: Check): [tone: string, name: string] {
  if (unsure) return ['', 'Not known']
  return ok ? ['good', 'Right'] : ['bad', 'Not right']
}

/** What is wrong stands first. */
export const Checks = ({ lines }: { lines: readonly Check[] }) => (
  <ul class="rows checks">
    {lines
      .toSorted((a, b) => Number(a.ok) - Number(b.ok))
      .map(line => {
        const [tone, sign] = signOf(line)
        return (
          <li>
            <span class={`state ${tone}`} aria-hidden="true">
              {checkSign(line)}
            </span>
            <span>
              <span class="unseen">{sign}:</span> <strong>{line.name}</strong>: {line.detail}
              {line.fix ? <span class="why dim">{line.fix}</span> : null}
            </span>
          </li>
        )
      })}
  </ul>
)

const style = `
:root { color-scheme: light dark; --page: #f6f8fa; --card: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0;
  --field: #fff; --field-line: #818b98; --accent: #0969da; --on-accent: #fff; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700;
  --bad-card: #ffebe9; --good-card: #dafbe1 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #151b23; --text: #f0f6fc; --dim: #9198a1; --line: #3d444d;
  --field: #0d1117; --field-line: #656c76; --accent: #4493f8; --on-accent: #0d1117; --good: #3fb950; --bad: #f85149; --warn: #d29922;
  --bad-card: #25171c; --good-card: #12261e } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere }
a { color: var(--accent) }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, monospace }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
main, header nav { max-width: 60rem; margin: 0 auto; padding: 0 1rem }
main { padding-top: 1.5rem; padding-bottom: 4rem }
main.narrow { max-width: 42rem }
header { background: var(--card); border-bottom: 1px solid var(--line) }
header nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: center; min-height: 3.25rem }
header nav form { margin-left: auto }
strong { font-weight: 600 }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }
h2, legend { font-size: 1.125rem; font-weight: 600; margin: 0 }
h3 { font-size: 1rem; margin: .75rem 0 .25rem }
p { margin: 0 0 .75rem }
form { margin: 0 }
section, fieldset { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1.25rem; padding: 1rem 1.25rem; min-width: 0 }
section > p, section > ul, section > ol { margin: .5rem 0 0 }
section > ul, section > ol { padding-left: 1.25rem }
section.bad { border-left: .25rem solid var(--bad) }
legend { float: left; width: 100%; padding: 0; margin: 0 0 .75rem }
legend + * { clear: both }
.count { color: var(--dim); font-weight: 400; font-size: 1rem; white-space: nowrap; overflow-wrap: normal }
.dim, .meta, .hint, .more, dt { color: var(--dim); font-weight: 400 }
.meta, .hint { font-size: .875rem }
ul.rows { list-style: none; margin: .75rem 0 0; padding: 0 }
ul.rows > li { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr) auto; gap: .25rem 1rem; align-items: start; padding: .75rem 0; border-top: 1px solid var(--line) }
ul.checks > li { grid-template-columns: 1rem minmax(0, 1fr) }
ul.rows > li > .what > a:first-child { font-weight: 600; color: var(--text); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; overflow-wrap: anywhere }
.state { font-size: .875rem; font-weight: 600; line-height: 1.5rem; color: var(--dim) }
.state.bad { color: var(--bad) } .state.good { color: var(--good) } .state.warn { color: var(--warn) }
.why { display: block }
ol.steps { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 0 0 1.5rem; color: var(--dim); font-size: .875rem }
.filter { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: 0 0 1.25rem }
.field { margin: 1rem 0 0 } .filter > .field { margin: 0 }
label { display: block; font-weight: 600; margin: 0 0 .25rem }
input { font: inherit; color: inherit; background: var(--field); border: 1px solid var(--field-line); border-radius: .375rem; padding: .375rem .625rem; min-height: 2.5rem; width: 100% }
input[aria-invalid="true"] { border-color: var(--bad) }
.hint, .error { margin: .375rem 0 0 } .error { color: var(--bad); font-size: .875rem }
.box { display: flex; gap: .5rem; align-items: center; margin: 1.25rem 0 0 }
.box label { margin: 0 } .box input { width: 1.25rem; min-height: 1.25rem; margin: 0 }
button, .button { display: inline-flex; align-items: center; justify-self: start; font: inherit; font-size: .875rem; font-weight: 600; border: 1px solid var(--accent); border-radius: .375rem; padding: .375rem .875rem; min-height: 2.5rem; cursor: pointer; background: transparent; color: var(--accent); text-decoration: none; white-space: nowrap }
button.main { background: var(--accent); color: var(--on-accent) }
button.danger { border-color: var(--bad); color: var(--bad) }
button.plain { border-color: transparent }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: .75rem 0 0 }
.said, .wrong { border: 1px solid var(--good); background: var(--good-card); border-radius: .5rem; padding: .75rem 1.25rem; margin: 0 0 1.25rem }
.wrong { border-color: var(--bad); background: var(--bad-card) }
dl { display: grid; grid-template-columns: 11rem minmax(0, 1fr); gap: .375rem 1rem; margin: .5rem 0 0 }
dd { margin: 0 }
main > details, main > nav.row { margin: 0 0 1.25rem }
[aria-current] { font-weight: 600; color: var(--text) }
details { margin: .75rem 0 0 } summary { cursor: pointer; color: var(--accent) }
pre { overflow: auto; max-height: 24rem; margin: .5rem 0 0; padding: .75rem; border: 1px solid var(--line); border-radius: .375rem; background: var(--page); white-space: pre-wrap }
@media (max-width: 40rem) { ul.rows:not(.checks) > li { grid-template-columns: minmax(0, 1fr) } dl { grid-template-columns: minmax(0, 1fr); gap: 0 } dd { margin: 0 0 .5rem } .filter > div { flex: 1 1 12rem } }
`
