import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { documentOf, type Page } from './set-up-pages.ts'

export interface Reply {
  status: number
  headers: Record<string, string>
  page?: Page
  formsTo?: string
}

export const shown = (page: Page, status = 200, formsTo?: string): Reply => ({
  status,
  headers: {},
  page,
  ...(formsTo === undefined ? {} : { formsTo }),
})
export const moved = (location: string, headers: Record<string, string> = {}): Reply => ({
  status: 303,
  headers: { location, ...headers },
})

export function send(res: ServerResponse, { status, headers, page, formsTo }: Reply): void {
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self'${formsTo === undefined ? '' : ` ${formsTo}`}`,
  ].join('; ')
  res.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    ...headers,
  })
  res.end(page ? documentOf(page, nonce) : '')
}
