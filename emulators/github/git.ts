/** Commits through the Git data API. `Api` is whoever does it: a person, a bot, or the layer itself. */

import type { Answer } from './http.ts'
import { type JsonObject, listAt, textAt } from './json.ts'

export type Api = (method: string, path: string, body?: unknown) => Promise<Answer>

/** The answer's body, or an error that names the call. */
export async function must(
  api: Api,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, body: answered } = await api(method, path, body)
  if (status >= 200 && status < 300) return answered
  throw new Error(
    `GitHub emulator: ${method} ${path} answered ${status} ${JSON.stringify(answered)}`,
  )
}

export async function tipOf(
  api: Api,
  repository: string,
  branch: string,
): Promise<string | undefined> {
  const { status, body } = await api('GET', `/repos/${repository}/git/ref/heads/${branch}`)
  return status === 200 ? textAt(body, 'object', 'sha') : undefined
}

/** What a clone of the branch holds, by path. */
export async function filesOf(
  api: Api,
  repository: string,
  branch: string,
): Promise<Record<string, string>> {
  const git = `/repos/${repository}/git`
  const commit = await must(api, 'GET', `${git}/commits/${await tipOf(api, repository, branch)}`)
  const tree = await must(api, 'GET', `${git}/trees/${textAt(commit, 'tree', 'sha')}?recursive=1`)
  const blobs = listAt(tree, 'tree').filter(entry => textAt(entry, 'type') === 'blob')
  const read = async (entry: unknown): Promise<[string, string]> => {
    const blob = await must(api, 'GET', `${git}/blobs/${textAt(entry, 'sha')}`)
    return [textAt(entry, 'path'), Buffer.from(textAt(blob, 'content'), 'base64').toString('utf8')]
  }
  return Object.fromEntries(await Promise.all(blobs.map(read)))
}

interface Commit {
  repository: string
  branch: string
  /** Where the branch starts if it is missing, or is to begin `anew`. */
  from: string
  anew?: true | undefined
  files: Record<string, string>
  message: string
}

export async function commitTo(api: Api, commit: Commit): Promise<{ sha: string }> {
  const { repository, branch, from, files, message, anew } = commit
  const tip = await tipOf(api, repository, branch)
  const parent = (anew ? undefined : tip) ?? (await tipOf(api, repository, from))
  if (!parent)
    throw new Error(`GitHub emulator: no branch ${from} in ${repository} to start ${branch} from`)
  const tree = Object.entries(files).map(([path, content]) => ({
    path,
    mode: '100644',
    type: 'blob',
    content,
  }))
  const sha = await createCommit(api, repository, {
    tree,
    base: parent,
    parents: [parent],
    message,
  })
  await pointAt(api, repository, branch, sha, tip === undefined)
  return { sha }
}

interface NewCommit {
  tree: readonly JsonObject[]
  base: string
  parents: string[]
  message: string
}

async function createCommit(
  api: Api,
  repository: string,
  { tree, base, parents, message }: NewCommit,
) {
  const git = `/repos/${repository}/git`
  const before = await must(api, 'GET', `${git}/commits/${base}`)
  const made = await must(api, 'POST', `${git}/trees`, {
    tree,
    base_tree: textAt(before, 'tree', 'sha'),
  })
  const commit = await must(api, 'POST', `${git}/commits`, {
    message,
    tree: textAt(made, 'sha'),
    parents,
  })
  return textAt(commit, 'sha')
}

async function pointAt(
  api: Api,
  repository: string,
  branch: string,
  sha: string,
  isNew: boolean,
): Promise<void> {
  const refs = `/repos/${repository}/git/refs`
  if (isNew) await must(api, 'POST', refs, { ref: `refs/heads/${branch}`, sha })
  else await must(api, 'PATCH', `${refs}/heads/${branch}`, { sha, force: true })
}

/** The commit that joins both tips, with the head's changes laid over the base's files. */
export async function mergeOnto(
  api: Api,
  merge: { repository: string; branch: string; base: string; head: string; message: string },
): Promise<string> {
  const { repository, branch, base, head, message } = merge
  const compared = await must(api, 'GET', `/repos/${repository}/compare/${base}...${head}`)
  const tree = listAt(compared, 'files').flatMap(file => treeEntries(file))
  const sha = await createCommit(api, repository, { tree, base, parents: [base, head], message })
  await pointAt(api, repository, branch, sha, false)
  return sha
}

function treeEntries(file: unknown): JsonObject[] {
  const blob = { mode: '100644', type: 'blob' }
  const path = textAt(file, 'filename')
  const status = textAt(file, 'status')
  const left =
    status === 'renamed' ? [{ ...blob, path: textAt(file, 'previous_filename'), sha: null }] : []
  return [...left, { ...blob, path, sha: status === 'removed' ? null : textAt(file, 'sha') }]
}
