/** What pages for people have in common: how they look, what browsers are told, and how much they take. */
import { createHash } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { secureHeaders } from 'hono/secure-headers'

export interface PageEnv {
  Bindings: HttpBindings
  Variables: {
    /** Where a form of this page leads, besides here. */
    formsTo: string | undefined
  }
}

/** Bytes of the largest form. */
const maxForm = 10_000

/** Nothing is kept, and the only style sheet is ours: scripts, frames and everything of others are out. */
export function bounds(style: string) {
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
  ]
}

interface DocumentProps {
  title: string
  style: string
  /** It goes on by itself. */
  next?: string | undefined
  children?: Child
}

export const Document = ({ title, style, next, children }: DocumentProps) => (
  <>
    {raw('<!doctype html>\n')}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        {next === undefined ? null : <meta http-equiv="refresh" content={`0; url=${next}`} />}
        <title>{title} · codex-task-bot</title>
        <link rel="icon" href="data:," />
        <style>{raw(style)}</style>
      </head>
      <body>{children}</body>
    </html>
  </>
)

/** The beginning of each style sheet. */
export const baseStyle = `
:root { color-scheme: light dark; --page: #f6f8fa; --card: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0;
  --field: #fff; --field-line: #818b98; --accent: #0969da; --on-accent: #fff; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700;
  --bad-card: #ffebe9; --good-card: #dafbe1 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #151b23; --text: #f0f6fc; --dim: #9198a1; --line: #3d444d;
  --field: #0d1117; --field-line: #656c76; --accent: #4493f8; --on-accent: #0d1117; --good: #3fb950; --bad: #f85149; --warn: #d29922;
  --bad-card: #25171c; --good-card: #12261e } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
a { color: var(--accent) }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, monospace }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
`
