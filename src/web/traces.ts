/** Traces by OTLP/HTTP. Without an address nothing of OpenTelemetry is loaded. */
import { setTimeout } from 'node:timers/promises'
import type { Attributes } from '@opentelemetry/api'
import type { Sampler } from '@opentelemetry/sdk-trace-node'
import type { Config } from '../config.ts'

const service = 'codex-task-bot'

export interface Traces {
  begin<T>(name: string, about: Attributes, act: () => Promise<T>): Promise<T>
  annotate(about: Attributes): void
  close(ms: number): Promise<void>
}

const off: Traces = {
  begin: (_name, _about, act) => act(),
  annotate() {},
  close: () => Promise.resolve(),
}

/** Installed by who wants traces: the versions that the tests have. */
const packages = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/exporter-trace-otlp-http': '0.223.0',
  '@opentelemetry/resources': '2.12.0',
  '@opentelemetry/sdk-trace-node': '2.12.0',
  'bullmq-otel': '2.0.1',
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}

function assertInstalled(): void {
  const missing = Object.keys(packages).filter(name => !isInstalled(name))
  if (missing.length === 0) return
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  throw new Error(
    `OTEL_EXPORTER_OTLP_ENDPOINT is set, but ${missing.join(', ')} can't be found. Install what traces need, or unset the variable: npm install --no-save --save-prod --omit=dev --ignore-scripts ${wanted.join(' ')}`,
  )
}

export async function openTraces({ endpoint }: Config['traces']): Promise<Traces> {
  if (endpoint === undefined) return off
  assertInstalled()
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
  const [{ SpanKind, SpanStatusCode, trace }, { resourceFromAttributes }, sdk, { OTLPTraceExporter }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ])
  // Skips BullMQ's constant search for jobs.
  const { RECORD_AND_SAMPLED, NOT_RECORD } = sdk.SamplingDecision
  const root: Sampler = {
    shouldSample: (_context, _traceId, _name, kind) => ({
      decision: kind === SpanKind.SERVER ? RECORD_AND_SAMPLED : NOT_RECORD,
    }),
  }
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    sampler: new sdk.ParentBasedSampler({ root }),
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  })
  provider.register()
  const tracer = trace.getTracer(service)
  return {
    begin: (name, attributes, act) =>
      tracer.startActiveSpan(name, { kind: SpanKind.SERVER, attributes }, async span => {
        try {
          return await act()
        } catch (error) {
          // Without the message: the log has it, redacted.
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          span.end()
        }
      }),
    annotate: about => void trace.getActiveSpan()?.setAttributes(about),
    close: ms => Promise.race([provider.shutdown().catch(() => {}), setTimeout(ms)]),
  }
}
