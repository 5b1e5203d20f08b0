/**
 * The repository in a sandbox: a clone of a bare one that is made of what the emulated GitHub has. What the agent pushes
 * goes on to GitHub, commit by commit; the names of commits differ there. `gh` is a shim that asks here: what the
 * agent's own tool for commits asks GitHub for by it happens in the bare one.
 */
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { z } from 'zod'
import { node } from './installed.ts'

/** What a checkout needs of GitHub. */
export interface GitHubSide {
  defaultBranch(repository: string): Promise<string>
  branches(repository: string): Promise<string[]>
  files(branch: string, repository: string): Promise<Record<string, string>>
  commit(
    repository: string,
    branch: string,
    from: string,
    files: Record<string, string>,
    message: string,
  ): Promise<unknown>
  /** Answers `gh` in this repository. */
  gh(repository: string, asked: GhCall): Promise<GhAnswer>
}

export interface GhCall {
  args: string[]
  /** The branch that is checked out. */
  branch: string
  input?: string
}

export interface GhAnswer {
  code: number
  out: string
}

interface CheckoutGiven {
  folder: string
  repository: string
  /** Made locally off the default branch if GitHub does not have it. */
  branch: string | undefined
  gitHub: GitHubSide
  /** Where the shims ask. */
  shimUrl: string
}

const run = promisify(execFile)

export class Checkout {
  readonly #given: CheckoutGiven
  readonly #bare: string
  #pushed = new Map<string, string>()
  readonly base: string

  private constructor(given: CheckoutGiven, base: string) {
    this.#given = given
    this.#bare = join(given.folder, 'origin.git')
    this.base = base
  }

  static async make(given: CheckoutGiven): Promise<Checkout> {
    const { gitHub, repository, folder, branch } = given
    const first = await gitHub.defaultBranch(repository)
    const base = branch ?? first
    const checkout = new Checkout(given, base)
    const known = await gitHub.branches(repository)
    const wanted = [...new Set([first, base])].filter(name => known.includes(name))
    const filesOf = async (name: string) => [name, await gitHub.files(name, repository)] as const
    await checkout.#import(first, await Promise.all(wanted.map(filesOf)))
    await checkout.#clone(base, wanted)
    for (const program of ['gh', 'pushed']) await shim(join(folder, 'bin', program), given.shimUrl)
    const hook = `#!/bin/sh\nexec ${join(folder, 'bin/pushed')}\n`
    await executable(join(checkout.#bare, 'hooks/post-receive'), hook)
    return checkout
  }

  /** The agent pushed: each new commit is made at GitHub, too. */
  async pushed(): Promise<void> {
    for (const [branch, tip] of await this.#tips()) {
      const known = this.#pushed.get(branch)
      if (known === tip) continue
      const range =
        known === undefined ? [tip, '--not', ...this.#pushed.values()] : [`${known}..${tip}`]
      const commits = (await this.#git('rev-list', '--reverse', ...range))
        .split('\n')
        .filter(Boolean)
      for (const commit of commits) await this.#copy(branch, commit)
      this.#pushed.set(branch, tip)
    }
  }

  async gh(args: string[], input = ''): Promise<GhAnswer> {
    if (args[0] === 'api') return this.#api(args, input)
    const repo = join(this.#given.folder, 'repo')
    const { stdout } = await run('git', ['-C', repo, 'branch', '--show-current'])
    return this.#given.gitHub.gh(this.#given.repository, { args, branch: stdout.trim() })
  }

  async #api(args: string[], input: string): Promise<GhAnswer> {
    const field = (name: string) =>
      args.find(arg => arg.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
    if (args.some(arg => arg.endsWith('/git/refs'))) {
      await this.#git('update-ref', field('ref'), field('sha'))
      return { code: 0, out: '{}' }
    }
    if (args[1] !== 'graphql' || !input.includes('createCommitOnBranch'))
      return { code: 1, out: '' }
    const { branch, expectedHeadOid, message, fileChanges } = CreateCommit.parse(JSON.parse(input))
      .variables.input
    const { branchName } = branch
    const said = `${message.headline}\n\n${message.body}`
    const added = fileChanges.additions.map(
      ({ path, contents }) => [path, decoded(contents)] as const,
    )
    const gone = fileChanges.deletions.map(({ path }) => `D ${path}\n`)
    const files = Object.fromEntries(added)
    await this.#importAll(
      commitOf({ branch: branchName, said, from: expectedHeadOid, gone, files }),
    )
    await this.pushed()
    const oid = (await this.#git('rev-parse', `refs/heads/${branchName}`)).trim()
    const url = `https://github.com/${this.#given.repository}/commit/${oid}`
    return {
      code: 0,
      out: JSON.stringify({ data: { createCommitOnBranch: { commit: { oid, url } } } }),
    }
  }

  async #copy(branch: string, commit: string): Promise<void> {
    const { gitHub, repository } = this.#given
    const names = await this.#git(
      'diff-tree',
      '--no-commit-id',
      '--name-only',
      '-r',
      '--root',
      commit,
    )
    const files: Record<string, string> = {}
    for (const name of names.split('\n').filter(Boolean))
      files[name] = await this.#git('show', `${commit}:${name}`)
    const message = (await this.#git('show', '-s', '--format=%B', commit)).trim()
    await gitHub.commit(repository, branch, this.base, files, message)
  }

  async #import(
    first: string,
    branches: readonly (readonly [string, Record<string, string>])[],
  ): Promise<void> {
    await run('git', ['init', '--quiet', '--bare', `--initial-branch=${first}`, this.#bare])
    const commits = branches.map(([branch, files]) => {
      const from = branch === first ? undefined : `refs/heads/${first}`
      const gone = from === undefined ? [] : ['deleteall\n']
      return commitOf({ branch, said: `What ${branch} has`, from, gone, files })
    })
    await this.#importAll(commits.join(''))
    this.#pushed = await this.#tips()
  }

  async #importAll(commits: string): Promise<void> {
    const importing = spawn('git', ['-C', this.#bare, 'fast-import', '--quiet'], {
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    const ended = new Promise<number | null>(resolve => importing.once('close', resolve))
    importing.stdin.end(commits)
    const trouble = await text(importing.stderr)
    if ((await ended) !== 0) throw new Error(`git fast-import: ${trouble}`)
  }

  /** Its remote has an address of GitHub, which the agent's tools read; what stands for ssh finds the bare one there. */
  async #clone(branch: string, known: string[]): Promise<void> {
    const { folder, repository } = this.#given
    const [home, repo] = [join(folder, 'home'), join(folder, 'repo')]
    await Promise.all(
      [home, repo, join(folder, 'bin')].map(each => mkdir(each, { recursive: true })),
    )
    const address = `https://github.com/${repository}.git`
    const ssh = join(folder, 'bin/ssh')
    await executable(
      ssh,
      `#!/bin/sh\nfor last; do :; done\nlast=\${last%% *}\nexec git \${last#git-} ${this.#bare}\n`,
    )
    const config = [
      '[url "git@github.com:"]\n\tinsteadOf = https://github.com/\n',
      `[core]\n\tsshCommand = ${ssh}\n[ssh]\n\tvariant = simple\n`,
      '[user]\n\tname = posthog[bot]\n\temail = posthog@example.com\n',
      '[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n',
    ]
    await writeFile(join(home, '.gitconfig'), config.join(''))
    const env = { ...process.env, HOME: home, GIT_CONFIG_NOSYSTEM: '1' }
    await run('git', ['clone', '--quiet', address, repo], { env })
    const there = known.includes(branch)
    await run('git', ['-C', repo, 'checkout', '--quiet', ...(there ? [branch] : ['-b', branch])], {
      env,
    })
  }

  async #tips(): Promise<Map<string, string>> {
    const listed = await this.#git(
      'for-each-ref',
      '--format=%(refname:short) %(objectname)',
      'refs/heads',
    )
    const lines = listed.split('\n').filter(Boolean)
    return new Map(lines.map(line => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']))
  }

  async #git(...args: string[]): Promise<string> {
    return (await run('git', ['-C', this.#bare, ...args])).stdout
  }
}

const CreateCommit = z.object({
  variables: z.object({
    input: z.object({
      branch: z.object({ branchName: z.string() }),
      expectedHeadOid: z.string(),
      message: z.object({ headline: z.string(), body: z.string() }),
      fileChanges: z.object({
        additions: z.array(z.object({ path: z.string(), contents: z.string() })),
        deletions: z.array(z.object({ path: z.string() })),
      }),
    }),
  }),
})

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

interface Commit {
  branch: string
  said: string
  from: string | undefined
  /** What goes before the files come. */
  gone: string[]
  files: Record<string, string>
}

/** For `git fast-import`. */
function commitOf({ branch, said, from, gone, files }: Commit): string {
  const data = (content: string) => `data ${Buffer.byteLength(content)}\n${content}\n`
  return [
    `commit refs/heads/${branch}\n`,
    `committer olga <olga@example.com> 1700000000 +0000\n${data(said)}`,
    ...(from === undefined ? [] : [`from ${from}\n`]),
    ...gone,
    ...Object.entries(files).map(([path, content]) => `M 100644 inline ${path}\n${data(content)}`),
    '\n',
  ].join('')
}

/** A program of the sandbox that asks the test what to print, and how to end. */
async function shim(path: string, url: string): Promise<void> {
  await executable(
    path,
    `#!${node}
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
const args = process.argv.slice(2)
const input = args.includes('--input') ? readFileSync(0, 'utf8') : ''
const body = JSON.stringify({ program: basename(process.argv[1]), args, input })
fetch('${url}', { method: 'POST', body })
  .then(answer => answer.json())
  .then(({ code, out }) => {
    process.stdout.write(out)
    process.exitCode = code
  })
`,
  )
}

async function executable(path: string, content: string): Promise<void> {
  await writeFile(path, content)
  await chmod(path, 0o755)
}
