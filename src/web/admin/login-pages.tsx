/** The way to GitHub and back, as pages; and what is answered to who does not get in. */
import type { Context, Hono } from 'hono'
import type { Repository } from '../../core/model/thread.ts'
import type { PageEnv } from '../pages.tsx'
import { isFromHere } from '../requests.ts'
import type { Access, Person } from './access.ts'
import { MessagePage, WelcomePage } from './admin-layout.tsx'
import { callbackPath, type GitHubLogin } from './github-login.ts'

export interface Env extends PageEnv {
  Variables: PageEnv['Variables'] & {
    session: string | undefined
    person: Person | undefined
    /** Without it, all. */
    repositories: readonly Repository[] | undefined
    /** What was sent, and what tells this form from others. */
    form: { id: string; fields: URLSearchParams }
  }
}

export type In = Context<Env>

export const whyTurnedAway = {
  stranger: [401, undefined],
  'wrong-token': [401, 'This is not the ADMIN_TOKEN of this bot.'],
  busy: [429, 'Too many tried just now. Try again in a second.'],
  forgotten: [401, 'GitHub does not know this sign-in any more. Sign in again.'],
  'not-agreed': [401, 'GitHub did not let you in. Sign in again.'],
  'not-expected': [401, 'This page did not send you to GitHub, or it is too long ago. Sign in again.'],
} as const satisfies Record<string, readonly [401 | 429, string | undefined]>
export type TurnedAway = keyof typeof whyTurnedAway

export const fromElsewhere = (
  <MessagePage
    title="Not done"
    text="This did not come from a form of this page, or the form is too old. Open the page again."
  />
)

/** What an admin did, or tried to. */
export interface Audited {
  action: string
  result: string
  by?: string
  run?: string
  repository?: string
  thread?: number
}

interface GitHubLoginParts {
  login: GitHubLogin
  access: Access
  turnedAway(c: In, kind: TurnedAway): Response | Promise<Response>
  audit(c: In, did: Audited): void
}

export function addGitHubLogin(app: Hono<Env>, { login, access, turnedAway, audit }: GitHubLoginParts): void {
  app.post(callbackPath, c => {
    const { headers } = c.req.raw
    const origin = headers.get('origin')
    if (origin === null || !isFromHere(headers)) return c.html(fromElsewhere, 403)
    const { page, cookie } = login.begin(origin)
    c.header('set-cookie', cookie)
    return c.redirect(page, 303)
  })

  app.get(callbackPath, async c => {
    const { headers } = c.req.raw
    const returned = await login.finish(new URL(c.req.url).searchParams, headers)
    const by = returned.kind === 'signed-in' ? { by: returned.person.login } : {}
    audit(c, { action: 'sign-in at GitHub', result: returned.kind, ...by })
    if (returned.kind !== 'signed-in') return turnedAway(c, returned.kind)
    const { person, cookies, isSecure } = returned
    for (const cookie of [...cookies, access.welcome(person, isSecure)])
      c.header('set-cookie', cookie, { append: true })
    return c.html(<WelcomePage login={person.login} />)
  })
}
