/** The pages of the set-up, from the form to the start. */
import type { Child } from 'hono/jsx'
import { type Check, markOf, wellOf } from '../../core/model/check.ts'
import { settingsPath } from '../../core/settings/settings-file.ts'
import { editorLine } from '../../core/words/settings-check.ts'
import { Document } from '../pages.tsx'
import {
  type Field,
  type Finding,
  fields,
  findingsIn,
  labels,
  type Problems,
  type Values,
} from './set-up-form.ts'
import { style } from './set-up-style.ts'

const Layout = ({ title, children }: { title: string; children?: Child }) => (
  <Document title={title} style={style}>
    <main>{children}</main>
  </Document>
)

const steps = ['Details', 'Review', 'Create on GitHub', 'Done'] as const

const StepList = ({ current }: { current: (typeof steps)[number] }) => (
  <ol class="steps" aria-label="Steps">
    {steps.map((step, index) => (
      <li aria-current={step === current ? 'step' : undefined}>
        {index + 1}. {step}
      </li>
    ))}
  </ol>
)

interface Described {
  more?: string
  hint: string
  type?: 'password' | 'url'
  numeric?: boolean
}

type TextField = Exclude<Field, 'teams'>

const described: Record<TextField, Described> = {
  name: {
    hint: 'It must be new on GitHub. People see it as the author of the bot’s comments.',
  },
  organization: {
    more: '(empty for your own account)',
    hint: 'The App will belong to it. You must be one of its owners.',
  },
  enterprise: {
    more: '(empty for github.com)',
    hint: 'For example github.example.com.',
  },
  webhook: {
    type: 'url',
    more: '(empty if there is none)',
    hint: 'Where GitHub reaches this bot from outside, for example https://codex.example.com.',
  },
  posthogHost: {
    type: 'url',
    hint: 'https://us.posthog.com, https://eu.posthog.com or your own.',
  },
  posthogKey: {
    type: 'password',
    hint: 'With the scopes task:write and integration:read.',
  },
  posthogProject: {
    numeric: true,
    hint: 'It is in the address of the project: /project/12345.',
  },
}

interface Shown {
  values: Values
  problems: Problems
  /** What “Test the connection” found. */
  tested?: readonly Finding[] | undefined
  /** A key was entered; it is never sent back. */
  keyKept: boolean
}

export function DetailsPage(shown: Shown) {
  const { values, problems, tested } = shown
  return (
    <Layout title="Set up">
      <StepList current="Details" />
      <h1>Set up your bot</h1>
      <p>
        This page makes a GitHub App for the bot, connects it to your PostHog project, and writes both into{' '}
        <code>.env</code>. You see everything before it is sent. It takes about five minutes.
      </p>
      {tested ? null : <Summary problems={problems} />}
      <section>
        <h2>Two things in PostHog first</h2>
        <ol>
          <li>
            PostHog’s own GitHub App, on the repositories that the bot is for. PostHog’s agent reads and
            pushes with it. <Links what="Install it" path="/settings/project-integrations" values={values} />
          </li>
          <li>
            A personal API key with the scopes <code>task:write</code> and <code>integration:read</code>.{' '}
            <Links what="Make a key" path="/settings/user-api-keys" values={values} />
          </li>
        </ol>
        <p class="hint">
          Use a PostHog project only for this bot: its agent has access to everything in the project.
        </p>
      </section>
      <form method="post" action="/set-up/review" novalidate>
        <fieldset>
          <legend>PostHog</legend>
          <Input field="posthogHost" shown={shown} />
          <Input field="posthogKey" shown={shown} />
          <Input field="posthogProject" shown={shown} />
          <div class="row" id="connection">
            <button type="submit" class="second" formaction="/set-up/test#connection">
              Test the connection
            </button>
          </div>
          {tested ? (
            <div role="status">
              <Checks lines={tested.map(lineOfFinding)} />
            </div>
          ) : null}
        </fieldset>
        <fieldset>
          <legend>GitHub</legend>
          <Input field="name" shown={shown} />
          <Input field="organization" shown={shown} />
          <Input field="enterprise" shown={shown} />
          <Input field="webhook" shown={shown} />
          <p class="hint">
            <strong>Try it behind a firewall</strong>: leave this empty. The bot then reads GitHub’s log of
            webhooks every five seconds (<code>WEBHOOKS=poll</code>), so its 👀 comes after seconds. You can
            give it an address later.
          </p>
          <div class="box">
            <input
              id="teams"
              name="teams"
              type="checkbox"
              value="yes"
              checked={values.teams !== ''}
              aria-describedby="teams-hint"
            />
            <label for="teams">{labels.teams}</label>
          </div>
          <p class="hint" id="teams-hint">
            Asks GitHub for the permission “members: read”. You need it only if your settings name teams.
          </p>
        </fieldset>
        <div class="row">
          <button type="submit">Review</button>
        </div>
      </form>
    </Layout>
  )
}

const regions = ['https://us.posthog.com', 'https://eu.posthog.com']

interface LinksProps {
  what: string
  path: string
  values: Values
}

/** To both regions, unless PostHog is at an address of its own. */
function Links({ what, path, values: { posthogHost } }: LinksProps) {
  const host = posthogHost.replace(/\/+$/, '')
  const hosts = regions.includes(host) || !URL.canParse(host) ? regions : [host]
  return (
    <>
      {what}:{' '}
      {hosts.map((each, at) => (
        <>
          {at === 0 ? '' : ' · '}
          <a href={each + path} target="_blank" rel="noreferrer">
            {new URL(each).host}
            <span class="unseen"> ({what}, new tab)</span>
          </a>
        </>
      ))}
    </>
  )
}

function Summary({ problems }: { problems: Problems }) {
  const wrong = findingsIn(problems, fields)
  if (wrong.length === 0) return null
  return (
    <section class="summary" role="alert" tabindex={-1}>
      <h2>{wrong.length === 1 ? 'Please correct one thing' : `Please correct ${wrong.length} things`}</h2>
      <ul>
        {wrong.map(({ field, label, words }) => (
          <li>
            <a href={`#${field}`}>{label}</a>: {words}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Input({ field, shown }: { field: TextField; shown: Shown }) {
  const { values, keyKept } = shown
  const { more, hint, type, numeric } = described[field]
  const problem = shown.problems[field]
  const isSecret = type === 'password'
  return (
    <div class="field">
      <label for={field}>
        {labels[field]}
        {more ? <span class="more"> {more}</span> : null}
      </label>
      <input
        id={field}
        name={field}
        type={isSecret ? 'password' : 'text'}
        value={isSecret ? '' : values[field]}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        inputmode={numeric ? 'numeric' : type === 'url' ? 'url' : undefined}
        placeholder={isSecret && keyKept ? 'as entered before' : undefined}
        aria-invalid={problem ? 'true' : undefined}
        aria-describedby={`${field}-hint${problem ? ` ${field}-wrong` : ''}`}
      />
      {problem ? (
        <p class="wrong" id={`${field}-wrong`}>
          {problem}
        </p>
      ) : null}
      <p class="hint" id={`${field}-hint`}>
        {hint}
      </p>
    </div>
  )
}

interface Line {
  ok: boolean
  unsure?: true | undefined
  name: Child
  words: string
  fix?: string
}

const Checks = ({ lines }: { lines: readonly Line[] }) => (
  <ul class="checks">
    {lines.map(({ ok, unsure, name, words, fix }) => (
      <li>
        <span class={unsure ? 'unsure' : ok ? 'yes' : 'no'} aria-hidden="true">
          {markOf({ ok, unsure })}
        </span>
        <span>
          <span class="unseen">{unsure ? 'Not known' : ok ? 'Good' : 'Not yet'}:</span>{' '}
          <strong>{name}</strong>: {words}
          {fix ? (
            <>
              <br />
              {fix}
            </>
          ) : null}
        </span>
      </li>
    ))}
  </ul>
)

const lineOfFinding = ({ field, label, ok, words }: Finding): Line => ({
  ok,
  name: field === undefined ? label : <a href={`#${field}`}>{label}</a>,
  words,
})

const lineOfCheck = ({ name, ok, unsure, detail, fix }: Check): Line => ({
  ...{ ok, unsure, name, fix },
  words: detail,
})

interface Reviewed {
  values: Values
  manifest: Record<string, unknown>
  permissions: readonly { name: string; level: string; why: string }[]
  address: string
}

export const ReviewPage = ({ values, manifest, permissions, address }: Reviewed) => (
  <Layout title="Review">
    <StepList current="Review" />
    <h1>The bot asks GitHub for this</h1>
    <p>
      The App <strong>{values.name}</strong> will belong to{' '}
      {values.organization === '' ? (
        'your own account'
      ) : (
        <>
          the organization <strong>{values.organization}</strong>
        </>
      )}{' '}
      on <strong>{new URL(address).host}</strong>. It is private: only its owner can install it.{' '}
      {values.webhook === '' ? (
        <>Its webhooks go to an address that does not exist: the bot reads GitHub’s log of them.</>
      ) : (
        <>
          GitHub sends its webhooks to <code>{values.webhook}</code>.
        </>
      )}
    </p>
    <section>
      <h2>What the App may do</h2>
      <dl>
        {permissions.map(({ name, level, why }) => (
          <>
            <dt>
              <code>
                {name}: {level}
              </code>
            </dt>
            <dd>{why}</dd>
          </>
        ))}
      </dl>
      <p class="hint">It never merges or approves.</p>
    </section>
    <section>
      <h2>What PostHog gets</h2>
      <p>
        For each run: the command, the title and description of the issue or pull request, comments of its
        author and of people with write permission, and attached files. PostHog’s agent reads the code with
        PostHog’s own GitHub App.
      </p>
    </section>
    <details>
      <summary>The manifest, word for word</summary>
      {/* biome-ignore lint/a11y/useSemanticElements: it scrolls, and a section would be a card in a card */}
      <pre tabindex={0} role="region" aria-label="Manifest">
        {JSON.stringify(manifest, null, 2)}
      </pre>
    </details>
    <form method="post" action={address}>
      <input type="hidden" name="manifest" value={JSON.stringify(manifest)} />
      <div class="row">
        <button type="submit">Create it on GitHub</button>
        <a class="button second" href="/set-up">
          Change something
        </a>
      </div>
    </form>
  </Layout>
)

interface Finished {
  name: string
  address: string
  posthog: string
  file: string
  /** Where editors find the schema of the settings. */
  schema: string | undefined
  /** Only the first time. */
  adminToken: string | undefined
  checks: readonly Check[]
}

export function DonePage({ name, address, posthog, file, schema, adminToken, checks }: Finished) {
  const wrong = checks.filter(({ ok }) => !ok)
  const right = checks.filter(({ ok }) => ok)
  return (
    <Layout title="Done">
      <StepList current="Done" />
      <h1>GitHub made the App {name}</h1>
      <p>
        Its keys are in <code>{file}</code>. Only your user may read this file.
      </p>
      {wrong.length > 0 ? (
        <section>
          <h2>Not right yet</h2>
          <Checks lines={wrong.map(lineOfCheck)} />
        </section>
      ) : null}
      <section>
        <h2>Next</h2>
        <ol>
          <li>
            <a href={`${address}/installations/new`} target="_blank" rel="noreferrer">
              Install {name}
            </a>{' '}
            on your repositories.
          </li>
          <li>
            Check that{' '}
            <a href={`${posthog}/settings/project-integrations`} target="_blank" rel="noreferrer">
              PostHog’s own GitHub App
            </a>{' '}
            has access to the same repositories.
          </li>
          <li>
            Start the bot. Then write <code>/codex help</code> on an issue there.
          </li>
          {schema === undefined ? null : (
            <li>
              For hints in your editor, begin your <code>{settingsPath}</code> with{' '}
              <code>{editorLine(schema)}</code>.
            </li>
          )}
        </ol>
        <form method="post" action="/set-up/start">
          <div class="row">
            <button type="submit">Start the bot</button>
            <a class="button second" href="/set-up">
              Check again
            </a>
          </div>
        </form>
      </section>
      {adminToken === undefined ? null : (
        <section>
          <h2>Admin pages</h2>
          <p>
            This token opens <code>/admin/</code> at the address of the bot: <code>{adminToken}</code>
          </p>
          <p class="hint">
            It is shown only now. As <code>ADMIN_TOKEN</code>, it is in the file, too.
          </p>
        </section>
      )}
      <section>
        <h2>Checks</h2>
        <p class="hint">
          {wrong.length === 0 ? wellOf(checks) : 'These are right.'} <code>npm run doctor</code> shows all
          checks again.
        </p>
        <Checks lines={right.map(lineOfCheck)} />
      </section>
    </Layout>
  )
}

export const StartedPage = ({ health }: { health: string }) => (
  <Layout title="Started">
    <h1>The bot starts</h1>
    <p>
      This page is closed now. Write <code>/codex help</code> on an issue of a repository where the App is
      installed. <a href={health}>{health}</a> shows when the bot is ready.
    </p>
  </Layout>
)

export const MessagePage = ({ title, text }: { title: string; text: string }) => (
  <Layout title={title}>
    <h1>{title}</h1>
    <p>{text}</p>
  </Layout>
)
