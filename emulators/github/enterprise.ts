/**
 * An Enterprise Server on one address, as people and the set-up page see it: the pages on which an App is registered
 * from a manifest, and the API below `/api/v3` and at `/api/graphql`, which is the emulator's.
 */

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { closed, readAll } from '../serving.ts'
import type { GitHubEmulator } from './github.ts'
import { isObject, type JsonObject, parseJson, textAt } from './json.ts'

export interface Enterprise {
  /** Host and port, as it is given for `GHE_HOST`. */
  readonly host: string
  /** Manifests that somebody agreed to, in order. */
  readonly registered: { manifest: JsonObject }[]
  close(): Promise<void>
}

interface Asked {
  manifest: JsonObject
  state: string
}

/** @param port any free one, if none is given */
export async function startEnterprise(
  github: GitHubEmulator,
  webhookSecret: string,
  port = 0,
): Promise<Enterprise> {
  const asked = new Map<string, Asked>()
  const codes = new Map<string, JsonObject>()
  const registered: Enterprise['registered'] = []
  const server = createServer((req, res) => {
    answer(req, res).catch(error => res.writeHead(500).end(String(error)))
  })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://localhost')
    const body = await readAll(req)
    const isForm = /^(?:\/organizations\/[^/]+)?\/settings\/apps\/new$/.test(url.pathname)
    if (req.method === 'POST' && isForm) return ask(res, url.searchParams.get('state') ?? '', body)
    if (req.method === 'POST' && url.pathname === '/agree')
      return agree(res, new URLSearchParams(body.toString()))
    const conversion = /^\/api\/v3\/app-manifests\/([\w-]+)\/conversions$/.exec(url.pathname)
    if (req.method === 'POST' && conversion) return convert(res, conversion[1] ?? '')
    if (req.method === 'GET' && /^\/apps\/[\w-]+(?:\/installations\/new)?$/.test(url.pathname))
      return void installed(res)
    if (/^\/(?:api\/v3\/|api\/graphql$)/.test(url.pathname)) return passOn(req, res, body)
    res.writeHead(404).end('not found')
  }

  /** Installed on the one repository as soon as it is made. */
  const installed = (res: ServerResponse): unknown =>
    res
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        `<title>${github.slug}</title><p>The App ${github.slug} is installed on ${github.repository}. This emulated server needs no click.</p>`,
      )

  /** GitHub shows what it was asked for, and waits for a person to agree. */
  function ask(res: ServerResponse, state: string, body: Buffer): void {
    const manifest = parseJson(
      Buffer.from(new URLSearchParams(body.toString()).get('manifest') ?? ''),
    )
    if (!isObject(manifest) || !textAt(manifest, 'name') || !textAt(manifest, 'url'))
      return void res.writeHead(422).end('the manifest is not complete')
    const id = randomBytes(8).toString('hex')
    asked.set(id, { manifest, state })
    res
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        `<title>Create GitHub App</title><form method="post" action="/agree"><button name="id" value="${id}">Create GitHub App</button></form>`,
      )
  }

  function agree(res: ServerResponse, form: URLSearchParams): void {
    const found = asked.get(form.get('id') ?? '')
    if (!found) return void res.writeHead(404).end('not found')
    const { manifest, state } = found
    const code = randomBytes(20).toString('hex')
    codes.set(code, manifest)
    registered.push({ manifest })
    const back = new URL(textAt(manifest, 'redirect_url') ?? '')
    back.searchParams.set('code', code)
    if (state !== '') back.searchParams.set('state', state)
    res.writeHead(302, { location: back.href }).end()
  }

  function convert(res: ServerResponse, code: string): void {
    const manifest = codes.get(code)
    // A code works once.
    codes.delete(code)
    if (manifest) github.webhooks.target = textAt(manifest, 'hook_attributes', 'url')
    const made = manifest && {
      id: github.appId,
      slug: github.slug,
      name: manifest.name,
      html_url: `http://${host}/apps/${github.slug}`,
      pem: github.privateKey,
      webhook_secret: webhookSecret,
      client_id: 'Iv23liEmulatedClient',
      client_secret: 'a client secret that only this world knows',
      owner: { login: 'acme' },
    }
    res
      .writeHead(made ? 201 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(made ?? { message: 'Not Found' }))
  }

  async function passOn(req: IncomingMessage, res: ServerResponse, body: Buffer): Promise<void> {
    const {
      host: _,
      connection: __,
      'content-length': ___,
      'transfer-encoding': ____,
      ...headers
    } = req.headers
    const response = await fetch(github.url + (req.url ?? '').replace(/^\/api(?:\/v3)?/, ''), {
      method: req.method ?? 'GET',
      headers: Object.entries(headers).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]),
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
      redirect: 'manual',
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const kept = [...response.headers].filter(
      ([name]) =>
        !/^(?:content-(?:length|encoding)|connection|keep-alive|transfer-encoding)$/.test(name),
    )
    res.writeHead(response.status, Object.fromEntries(kept)).end(bytes)
  }

  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { host, registered, close: () => closed(server) }
}
