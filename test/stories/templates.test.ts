/** Words of a repository’s own: `.github/codex/NAME.md`. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { templatePath } from '../../src/core/command/template.ts'
import { callsOf } from '../world/calls.ts'
import { onEitherQueue } from '../world/on-queues.ts'
import { newRepository, opensIssue, opensPull } from '../world/opens-issue.ts'

onEitherQueue('A repository has templates', world => {
  const here = async (files: Record<string, string>) => {
    const repository = await newRepository(world())
    const named = Object.entries(files).map(([name, text]) => [`.github/codex/${name}`, text])
    await world().github.as('olga', repository).pushes('main', Object.fromEntries(named))
    const asks = async (words: string) => {
      const issue = await opensIssue(world(), 'Next release', repository)
      await issue.says(words)
      return issue
    }
    return { repository, asks }
  }

  const release = '# Release\n\nSet the version to $ARGUMENTS, then write the notes.\n'

  it('whose names are commands', async () => {
    const { asks } = await here({ 'release.md': release, 'stat.md': 'Count the lines.' })
    const { thread, prompt } = await asks('/codex --effort high release 1.2')
    await thread.waitForAnswer('Codex opened draft')
    expect(prompt()).toContain(
      '# Instruction\n\n# Release\n\nSet the version to 1.2, then write the notes.\n\n',
    )
    expect(await thread.status()).toContain('release 1.2')
    // Near to the name of a command, and no slip.
    const near = await asks('/codex stat')
    await near.thread.waitForAnswer('Codex opened draft')
    expect(near.prompt()).toContain('# Instruction\n\nCount the lines.\n\n')
    const slip = await asks('/codex relase 1.3')
    await slip.thread.waitForAnswer('Did you mean `/codex release`?')
    expect(slip.ledger().tasks).toEqual([])
  })

  it('that joins a run, and is asked again whole', async () => {
    const { posthog } = world()
    const { repository, asks } = await here({ 'release.md': release })
    posthog.script({ repository, prompt: 'look around' }, { kind: 'manual' })
    const { says, thread, ledger } = await asks('/codex look around')
    await thread.waitForStatus('Codex is working')
    await says('/codex release 2.0')
    await world().github.waitFor(() => ledger().messages.length === 1)
    expect(JSON.stringify(ledger().messages[0]?.body)).toContain('Set the version to 2.0')
    const doomed = await asks('/codex release 3.0')
    await doomed.thread.waitForAnswer('Codex opened draft')
    posthog.script({ repository, prompt: '3.0' }, { kind: 'fails', message: 'no' })
    await doomed.says('/codex retry')
    await doomed.started(2)
    expect(doomed.prompt(1)).toContain('Set the version to 3.0')
  })

  it('whose names give way to commands, and to words behind --', async () => {
    const { asks } = await here({ 'status.md': 'Not this.', 'release.md': release })
    const { thread, ledger } = await asks('/codex status')
    await thread.waitForAnswer('nobody has asked for anything here yet')
    expect(ledger().tasks).toEqual([])
    const plain = await asks('/codex -- release the lock')
    await plain.thread.waitForAnswer('Codex opened draft')
    expect(plain.prompt()).toContain('# Instruction\n\nrelease the lock\n\n')
  })

  it('of which only the one that is meant is read', async () => {
    const { github } = world()
    const { repository, asks } = await here({ 'release.md': release })
    const place = `/repos/${repository}/contents/.github/codex`
    const contents = () =>
      callsOf(github.calls.filter(({ path }) => decodeURIComponent(path).startsWith(place)))
    const plain = await asks('/codex mend the login')
    await plain.thread.waitForAnswer('Codex opened draft')
    expect(contents()).toEqual([])
    const meant = await asks('/codex release 1.2')
    await meant.thread.waitForAnswer('Codex opened draft')
    expect(contents()).toEqual(['GET contents/.github/codex/release.md'])
  })
})

onEitherQueue('A template of this project is copied', world => {
  const folder = new URL('../../templates/', import.meta.url)
  const change = { kind: 'pushesToBranch', text: 'Done.' } as const
  const words = { kind: 'answers', text: 'So it is.' } as const

  /** What is written behind each, and how its text begins then, or ends. */
  const tried = [
    ['tests', 'the login', change, /^Write the tests that are missing\.[\s\S]*\n\nthe login$/],
    ['describe', '', change, /^Write the description of this pull request anew\./],
    ['simplify', 'src/login.ts', change, /^Simplify what is named[\s\S]*\n\nsrc\/login\.ts$/],
    ['upgrade', 'zod to 4.1', change, /^Upgrade this dependency: zod to 4\.1\n/],
    ['explain', 'the session', words, /^Explain what is named[\s\S]*\n\nthe session$/],
  ] as const

  it('has a story here', () =>
    expect(readdirSync(folder).toSorted()).toEqual(tried.map(([name]) => `${name}.md`).toSorted()))

  it.each(tried)('%s: its text is the instruction', async (name, argument, behaviour, expected) => {
    const { github, posthog } = world()
    const repository = await newRepository(world())
    const text = readFileSync(new URL(`${name}.md`, folder), 'utf8')
    await github.as('olga', repository).pushes('main', { [templatePath(name)]: text })
    posthog.script({ repository }, behaviour)
    const { says, thread, prompt } = await opensPull(world(), 'maya/login', { repository })
    await says('/codex help')
    expect(await thread.waitForAnswer('Templates of this repository')).toContain(
      `- \`/codex ${name} …\``,
    )
    await says(`/codex ${name} ${argument}`)
    await thread.waitForAnswer(behaviour.text)
    const [, instruction = ''] = /# Instruction\n\n([\s\S]*?)\n\n# /.exec(prompt()) ?? []
    expect(instruction).toMatch(expected)
    expect(instruction).not.toContain('$ARGUMENTS')
  })
})
