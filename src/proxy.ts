/** Makes Node's own `fetch` follow HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */

export async function goThroughProxy(env: Record<string, string | undefined>): Promise<void> {
  if (!['HTTP_PROXY', 'HTTPS_PROXY'].some(name => env[name] || env[name.toLowerCase()])) return
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici')
  try {
    setGlobalDispatcher(new EnvHttpProxyAgent())
  } catch {
    throw new Error('HTTP_PROXY or HTTPS_PROXY is not an address: it must begin with http:// or https://')
  }
}
