import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'

export type Verify = (body: Buffer, signature: string) => boolean

export function verifierFor(secret: string): Verify {
  const key = createSecretKey(secret, 'utf8')
  return (body, signature) => {
    const wanted = Buffer.from(`sha256=${createHmac('sha256', key).update(body).digest('hex')}`)
    const given = Buffer.from(signature)
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }
}
