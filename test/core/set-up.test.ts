/** The pure parts of the set-up page: what the form takes, and what becomes of a `.env` that is there already. */
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Check,
  type CheckName,
  failedCheck,
  passedCheck,
  unansweredCheck,
} from '../../src/core/model/check.ts'
import { newAppAddress, serverOf } from '../../src/web/set-up/new-app.ts'
import {
  type Field,
  fields,
  type Problems,
  problemsIn,
  readForm,
  type Values,
} from '../../src/web/set-up/set-up-form.ts'
import { DetailsPage } from '../../src/web/set-up/set-up-pages.tsx'
import { withValues } from '../../src/web/set-up/set-up-server.tsx'

const good: Values = {
  name: 'Codex at Acme',
  organization: 'acme',
  enterprise: '',
  webhook: 'https://codex.acme.example',
  teams: 'yes',
  posthogHost: 'https://eu.posthog.com',
  posthogKey: 'phx_key',
  posthogProject: '12',
}

describe('the form', () => {
  test('takes what is right, and adds our path to the name of a host', () => {
    expect(readForm(good)).toEqual({
      values: { ...good, webhook: 'https://codex.acme.example/api/github/webhooks' },
      problems: {},
    })
    const without = { ...good, webhook: '' }
    expect(readForm(without)).toEqual({ values: without, problems: {} })
  })

  test.each<[Partial<Values>, host: string, project: string]>([
    [{ posthogProject: 'https://us.posthog.com/project/7' }, 'https://us.posthog.com', '7'],
    [
      { posthogProject: 'https://us.posthog.com/project/7/insights?a=b' },
      'https://us.posthog.com',
      '7',
    ],
    [{ posthogProject: 'http://ph.acme:80/project/7/' }, 'http://ph.acme:80', '7'],
  ])('takes the address of a project: %j', (given, posthogHost, posthogProject) =>
    expect(readForm({ ...good, ...given }).values).toMatchObject({ posthogHost, posthogProject }),
  )

  test.each<[Field, string, string]>([
    ['organization', 'https://github.com/acme', 'acme'],
    ['organization', 'https://git.acme.example/orgs/acme/people', 'acme'],
    ['organization', '@acme', 'acme'],
    ['enterprise', 'https://git.acme.example/', 'git.acme.example'],
    ['enterprise', 'http://127.0.0.1:4000', '127.0.0.1:4000'],
  ])('takes %s as %j, as a browser or a comment shows it', (field, given, taken) => {
    const read = readForm({ ...good, [field]: given })
    expect([read.values[field], read.problems]).toEqual([taken, {}])
  })

  test.each<[Field, string]>([
    ['name', ''],
    ['name', 'a name that is longer than GitHub takes it'],
    ['name', '<b>'],
    ['organization', 'acme/../evil'],
    ['enterprise', 'https://github.example.com/acme'],
    ['enterprise', 'github.example.com/path'],
    ['webhook', 'codex.acme.example'],
    ['webhook', 'http://localhost:3000'],
    ['webhook', 'http://127.0.0.1/x'],
    ['webhook', 'http://192.168.1.4'],
    ['webhook', 'http://[::1]:3000'],
    ['webhook', 'ftp://codex.acme.example'],
    ['posthogHost', 'us.posthog.com'],
    ['posthogKey', 'phc_project'],
    ['posthogKey', 'phx_1\nAPP_ID=2'],
    ['posthogProject', 'mine'],
  ])('does not take %s %j', (field, value) =>
    expect(Object.keys(readForm({ ...good, [field]: value }).problems)).toEqual([field]),
  )

  test('an Enterprise Server on this machine may reach this machine', () => {
    const webhook = 'http://127.0.0.1:3000'
    for (const enterprise of ['localhost:8080', '10.0.0.3'])
      expect(readForm({ ...good, webhook, enterprise }).problems).toEqual({})
    expect(
      Object.keys(readForm({ ...good, webhook, enterprise: 'git.acme.example' }).problems),
    ).toEqual(['webhook'])
  })
})

test('what is wrong is told in the order of the page', () => {
  const problems = Object.fromEntries(fields.map(field => [field, `${field} is wrong`]))
  const page = String(DetailsPage({ values: good, problems }))
  const inputs = [...page.matchAll(/<input id="(\w+)"/g)].map(([, id]) => id)
  const [, ...told] = page.split('<li><a href="#').map(each => each.split('"')[0])
  expect(inputs).toHaveLength(fields.length)
  expect(told).toEqual(inputs)
})

const wrong = (name: CheckName) => failedCheck(name, 'no', 'Set POSTHOG_X')
test.each<[Check, Problems]>([
  [passedCheck('posthog-key', 'works at https://x'), {}],
  [wrong('posthog-key'), { posthogKey: expect.stringMatching('does not accept this key') }],
  [wrong('posthog-scope'), { posthogKey: expect.stringMatching('no scope task:write') }],
  [wrong('posthog-project'), { posthogProject: expect.stringMatching('The key has no access') }],
  [wrong('posthog-host'), { posthogHost: expect.stringMatching('is not PostHog') }],
  [
    unansweredCheck('posthog-key', 'away', ''),
    { posthogHost: expect.stringMatching('does not answer') },
  ],
  [wrong('posthog-github'), {}],
])('what PostHog says is told at its field: %o', (check, problems) =>
  expect(problemsIn([check])).toEqual(problems),
)

describe('the .env', () => {
  test.each([
    ['nothing yet', '', 'APP_ID=1\n'],
    ['an empty line for it', 'APP_ID=\nB=2\n', 'APP_ID=1\nB=2\n'],
    ['one that is commented out', '# APP_ID=7\nB=2\n', '# APP_ID=7\nB=2\nAPP_ID=1\n'],
    ['a value over several lines', 'APP_ID="a\nb"\nB=2\n', 'APP_ID=1\nB=2\n'],
    ['no end of line', 'B=2', 'B=2\nAPP_ID=1\n'],
    ['a word that only looks like it', 'MY_APP_ID=7\n', 'MY_APP_ID=7\nAPP_ID=1\n'],
  ])('with %s', (_, before, after) => expect(withValues(before, { APP_ID: '1' })).toBe(after))

  test('what is written is read again, and what stood there stands there still', () => {
    const value = fc
      .string({ unit: 'grapheme-ascii' })
      .filter(text => !/["'`\\]/.test(text) && text.trim() === text)
    fc.assert(
      fc.property(value, value, (mine, theirs) => {
        const before = `# a comment\nTHEIRS="${theirs}"\n`
        const after = withValues(before, { MINE: mine, KEY: 'a\nb' })
        expect(parseEnv(after)).toEqual({ THEIRS: theirs, MINE: mine, KEY: 'a\nb' })
        expect(after.startsWith(before)).toBe(true)
      }),
    )
  })
})

test('the manifest goes to who is to own the App', () => {
  expect(newAppAddress(serverOf({ enterprise: '' }, 'https'), { organization: '' }, 's')).toBe(
    'https://github.com/settings/apps/new?state=s',
  )
  expect(newAppAddress(serverOf({ enterprise: 'git.acme.example' }, 'https'), good, 's')).toBe(
    'https://git.acme.example/organizations/acme/settings/apps/new?state=s',
  )
})
