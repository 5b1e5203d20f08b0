/** The pages of the set-up, from the form to the start. */
import { type Check, sumOf } from '../../core/model/check.ts'
import { settingsPath } from '../../core/settings/settings-file.ts'
import { editorLine } from '../../core/words/settings-text.ts'
import { Button, Checks, Document, type DocumentProps, Field, NewTab, Said } from '../pages.tsx'
import * as setUp from './set-up-form.ts'

const steps = ['Details', 'Review', 'Create on GitHub', 'Done'] as const

interface StepProps extends DocumentProps {
  step: (typeof steps)[number]
  heading: string
}

const StepPage = ({ step, title, heading, children }: StepProps) => (
  <Document title={title}>
    <main class="narrow">
      <ol class="steps" aria-label="Steps">
        {steps.map((each, index) => (
          <li aria-current={each === step ? 'step' : undefined}>
            {index + 1}. {each}
          </li>
        ))}
      </ol>
      <h1>{heading}</h1>
      {children}
    </main>
  </Document>
)

interface FormShown {
  /** A key that was entered is never sent back. */
  values: setUp.Values
  problems: setUp.Problems
}

export function DetailsPage(shown: FormShown) {
  const { values, problems } = shown
  const isWrong = Object.keys(problems).length > 0
  return (
    <StepPage step="Details" title={`${isWrong ? 'Error: ' : ''}Set up`} heading="Set up your bot">
      <p>
        This page makes a GitHub App for the bot, connects it to your PostHog project, and writes
        both into <code>.env</code>. You see everything before it is sent. It takes about five
        minutes.
      </p>
      <Summary problems={problems} />
      <section>
        <h2>Two things in PostHog first</h2>
        <ol>
          <li>
            PostHog’s own GitHub App, on the repositories that the bot is for. PostHog’s agent reads
            and pushes with it.{' '}
            <Links what="Install it" path="/settings/project-integrations" values={values} />
          </li>
          <li>
            A personal API key with the scopes <code>task:write</code> and{' '}
            <code>integration:read</code>.{' '}
            <Links what="Make a key" path="/settings/user-api-keys" values={values} />
          </li>
        </ol>
        <p class="hint">
          Use a PostHog project only for this bot: its agent has access to everything in the
          project.
        </p>
      </section>
      <form method="post" action="/set-up/review" novalidate>
        <fieldset>
          <legend>PostHog</legend>
          <Inputs fields={setUp.ofPostHog} shown={shown} />
        </fieldset>
        <fieldset>
          <legend>GitHub</legend>
          <Inputs fields={setUp.ofGitHub} shown={shown} />
          <p class="hint">
            <strong>Try it behind a firewall</strong>: leave this empty. The bot then reads GitHub’s
            log of webhooks every five seconds (<code>WEBHOOKS=poll</code>), so its 👀 comes after
            seconds. You can give it an address later.
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
            <label for="teams">{setUp.form.teams.label}</label>
          </div>
          <p class="hint" id="teams-hint">
            {setUp.form.teams.hint}
          </p>
        </fieldset>
        <Button tone="main">Review</Button>
      </form>
    </StepPage>
  )
}

const regions = ['https://us.posthog.com', 'https://eu.posthog.com']

/** Links to both regions, unless PostHog is at an address of its own. */
function Links({ what, path, values }: { what: string; path: string; values: setUp.Values }) {
  const host = values.posthogHost.replace(/\/+$/, '')
  const hosts = regions.includes(host) || !URL.canParse(host) ? regions : [host]
  return (
    <>
      {what}:{' '}
      {hosts.map((each, at) => (
        <>
          {at === 0 ? '' : ' · '}
          <NewTab href={each + path}>
            {new URL(each).host}
            <span class="unseen"> ({what}, new tab)</span>
          </NewTab>
        </>
      ))}
    </>
  )
}

function Summary({ problems }: { problems: setUp.Problems }) {
  const wrong = setUp.fields.filter(field => problems[field] !== undefined)
  if (wrong.length === 0) return null
  return (
    <section class="bad" role="alert" tabindex={-1} autofocus>
      <h2>
        {wrong.length === 1 ? 'Please correct one thing' : `Please correct ${wrong.length} things`}
      </h2>
      <ul>
        {wrong.map(field => (
          <li>
            <a href={`#${field}`}>{setUp.form[field].label}</a>: {problems[field]}
          </li>
        ))}
      </ul>
    </section>
  )
}

const Inputs = ({ fields, shown }: { fields: readonly setUp.Field[]; shown: FormShown }) => (
  <>
    {fields.map(field => {
      const { label, more, hint, type } = setUp.form[field]
      const isSecret = type === 'password'
      return (
        <Field
          id={field}
          label={label}
          more={more}
          hint={hint}
          problem={shown.problems[field]}
          type={isSecret ? 'password' : 'text'}
          value={isSecret ? '' : shown.values[field]}
          autocomplete="off"
          inputmode={isSecret ? undefined : type}
          placeholder={isSecret && shown.values[field] !== '' ? 'as entered before' : undefined}
        />
      )
    })}
  </>
)

interface Reviewed {
  values: setUp.Values
  manifest: { default_permissions: Readonly<Record<string, string>> }
  /** Why each permission is wanted. */
  reasons: Readonly<Record<string, string>>
  /** GitHub's. */
  host: string
}

export const ReviewPage = ({ values, manifest, reasons, host }: Reviewed) => (
  <StepPage step="Review" title="Review" heading="The bot asks GitHub for this">
    <p>
      The App <strong>{values.name}</strong> will belong to{' '}
      {values.organization === '' ? (
        'your own account'
      ) : (
        <>
          the organization <strong>{values.organization}</strong>
        </>
      )}{' '}
      on <strong>{host}</strong>. It is private: only its owner can install it.{' '}
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
        {Object.entries(manifest.default_permissions).map(([name, level]) => (
          <>
            <dt>
              <code>
                {name}: {level}
              </code>
            </dt>
            <dd>{reasons[name]}</dd>
          </>
        ))}
      </dl>
      <p class="hint">It never merges or approves.</p>
    </section>
    <section>
      <h2>What PostHog gets</h2>
      <p>
        For each run: the command, the title and description of the issue or pull request, comments
        of its author and of people with write permission, and attached files. PostHog’s agent reads
        the code with PostHog’s own GitHub App.
      </p>
    </section>
    <details>
      <summary>The manifest, word for word</summary>
      {/* biome-ignore lint/a11y/useSemanticElements: it scrolls, and a section would be a card in a card */}
      <pre tabindex={0} role="region" aria-label="Manifest">
        {JSON.stringify(manifest, null, 2)}
      </pre>
    </details>
    <form method="post" action="/set-up/create">
      <input type="hidden" name="manifest" value={JSON.stringify(manifest)} />
      <div class="row">
        <Button tone="main">Create it on GitHub</Button>
        <a class="button" href="/set-up">
          Change something
        </a>
      </div>
    </form>
  </StepPage>
)

interface Finished {
  values: setUp.Values
  name: string
  address: string
  file: string
  /** Where editors find the schema of the settings. */
  schema: string | undefined
  /** Shows all checks again, with what the bot was started with. */
  command: string
  /** The page shows it only the first time. */
  adminToken: string | undefined
  checks: readonly Check[]
  /** What did not work just now. */
  amiss: string | undefined
}

export function DonePage({
  name,
  address,
  file,
  schema,
  adminToken,
  command,
  checks,
  values,
  amiss,
}: Finished) {
  const posthog = values.posthogHost.replace(/\/+$/, '')
  const isWrong = checks.some(({ ok }) => !ok)
  const found = (
    <section>
      <h2>{isWrong ? 'Not right yet' : 'Checks'}</h2>
      <p class="hint">
        {sumOf(checks)} <code>{command}</code> (in a container:{' '}
        <code>docker exec NAME codex-task-bot doctor</code>) shows all checks again.
      </p>
      <Checks lines={checks} />
      {isWrong ? <p class="hint">Correct the file or what it names, then check again.</p> : null}
    </section>
  )
  return (
    <StepPage step="Done" title="Done" heading={`GitHub made the App ${name}`}>
      <p>
        Its keys are in <code>{file}</code>. Only your user may read this file.
      </p>
      <Said text={amiss} isWrong />
      {isWrong ? found : null}
      <section>
        <h2>Next</h2>
        <ol>
          <li>
            <NewTab href={`${address}/installations/new`}>Install {name}</NewTab> on your
            repositories.
          </li>
          <li>
            Check that{' '}
            <NewTab href={`${posthog}/settings/project-integrations`}>
              PostHog’s own GitHub App
            </NewTab>{' '}
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
            <Button tone="main">Start the bot</Button>
            <a class="button" href="/set-up">
              Check again
            </a>
          </div>
        </form>
      </section>
      {adminToken === undefined ? null : (
        <section>
          <h2>Admin pages</h2>
          <p>
            This token opens <code>/admin/</code> at the address of the bot:{' '}
            <code>{adminToken}</code>
          </p>
          <p class="hint">
            It is shown only now. As <code>ADMIN_TOKEN</code>, it is in the file, too.
          </p>
        </section>
      )}
      {isWrong ? null : found}
    </StepPage>
  )
}
