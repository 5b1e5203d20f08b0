/**
 * Our index tables beside BullMQ's; a trigger moves entries along with jobs. Runs at each start, so it is idempotent.
 */
export const schema = `
CREATE SCHEMA IF NOT EXISTS codex;
CREATE TABLE IF NOT EXISTS codex.entry (
  queue text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  score bigint NOT NULL,
  kept_ms bigint NOT NULL,
  PRIMARY KEY (queue, id, name),
  FOREIGN KEY (queue, id) REFERENCES bullmq.job (queue, id) ON DELETE CASCADE);
CREATE INDEX IF NOT EXISTS entry_place ON codex.entry (queue, name, score, id);

CREATE OR REPLACE FUNCTION codex.place(p_queue text, p_id text, p_entries jsonb) RETURNS void LANGUAGE sql AS $$
  DELETE FROM codex.entry WHERE queue = p_queue AND id = p_id
     AND name NOT IN (SELECT entry->>0 FROM jsonb_array_elements(p_entries) AS entry);
  INSERT INTO codex.entry
  SELECT p_queue, p_id, entry->>0, (entry->>1)::bigint, (entry->>2)::bigint FROM jsonb_array_elements(p_entries) AS entry
      ON CONFLICT (queue, id, name) DO UPDATE SET score = EXCLUDED.score, kept_ms = EXCLUDED.kept_ms
   WHERE entry.score <> EXCLUDED.score OR entry.kept_ms <> EXCLUDED.kept_ms;
$$;

CREATE OR REPLACE FUNCTION codex.save(
  p_queue text, p_id text, p_token text, p_data jsonb, p_entries jsonb, p_guards jsonb
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE refused boolean;
BEGIN
  SELECT count(*) > 0 INTO refused FROM jsonb_array_elements(p_guards) AS guard
   WHERE (guard->>'most')::bigint <= (
     SELECT count(*) FROM codex.entry WHERE queue = p_queue AND name = guard->>'set' AND id <> p_id
        AND score > coalesce((guard->>'above')::bigint, -1));
  UPDATE bullmq.job SET data = CASE WHEN refused THEN data ELSE p_data END
   WHERE queue = p_queue AND id = p_id AND state = 'active' AND lock_token = p_token;
  IF NOT FOUND THEN RETURN 'lost'; END IF;
  IF refused THEN RETURN 'refused'; END IF;
  IF p_entries IS NOT NULL THEN PERFORM codex.place(p_queue, p_id, p_entries); END IF;
  RETURN 'saved';
END $$;

CREATE OR REPLACE FUNCTION codex.amend(
  p_queue text, p_id text, p_was jsonb, p_data jsonb, p_entries jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE bullmq.job SET data = p_data
   WHERE queue = p_queue AND id = p_id AND state IN ('completed', 'failed') AND data = p_was;
  IF NOT FOUND THEN RETURN false; END IF;
  IF p_entries IS NOT NULL THEN
    PERFORM codex.place(p_queue, p_id, p_entries);
    DELETE FROM codex.entry WHERE queue = p_queue AND id = p_id AND kept_ms = 0;
  END IF;
  RETURN true;
END $$;

CREATE OR REPLACE FUNCTION codex.ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM codex.entry WHERE queue = NEW.queue AND id = NEW.id AND kept_ms = 0;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER codex_ended AFTER UPDATE OF state ON bullmq.job FOR EACH ROW
  WHEN (NEW.state IN ('completed', 'failed')) EXECUTE FUNCTION codex.ended();`

/** Stores the entries if the job is ours, and returns its name. It is part of BullMQ's transaction of adding. */
export const added = `
SELECT name, CASE WHEN name = $3 AND $4::jsonb IS NOT NULL THEN codex.place(queue, id, $4::jsonb) END
  FROM bullmq.job WHERE queue = $1 AND id = $2`

export const saved = 'SELECT codex.save($1, $2, $3, $4::jsonb, $5::jsonb, $6::jsonb) AS saving'

export const amended = 'SELECT codex.amend($1, $2, $3::jsonb, $4::jsonb, $5::jsonb) AS amended'

export const queried = `
SELECT CASE
  WHEN ask->>'kind' = 'from-end' THEN
    (SELECT score FROM codex.entry WHERE queue = $1 AND name = ask->>'set'
      ORDER BY score DESC, id DESC OFFSET (ask->>'nth')::int - 1 LIMIT 1)
  WHEN ask ? 'before' THEN
    (SELECT count(*) FROM codex.entry WHERE queue = $1 AND name = ask->>'set'
        AND (score, id) < ((ask->'before'->>'score')::bigint, ask->'before'->>'id'))
  ELSE
    (SELECT count(*) FROM codex.entry WHERE queue = $1 AND name = ask->>'set'
        AND score > coalesce((ask->>'above')::bigint, -1))
  END AS value
  FROM jsonb_array_elements($2::jsonb) WITH ORDINALITY AS all_asked (ask, n) ORDER BY n`

const members = (order: 'ASC' | 'DESC') => `
SELECT n::int, member.id, member.score FROM jsonb_array_elements_text($2::jsonb) WITH ORDINALITY AS names (name, n)
 CROSS JOIN LATERAL (SELECT id, score FROM codex.entry AS e WHERE e.queue = $1 AND e.name = names.name
                      ORDER BY score ${order}, id ${order} LIMIT $3) AS member
 ORDER BY n, member.score ${order}, member.id ${order}`
export const firstMembers = members('ASC')
export const lastMembers = members('DESC')

/** Changes the row unless it changed since it was read (xmin). */
export const mended = `
SELECT codex.place(queue, id, $4::jsonb) FROM bullmq.job WHERE queue = $1 AND id = $2 AND xmin::text = $3`

export const forgotten = 'DELETE FROM codex.entry WHERE kept_ms > 0 AND score < $1 - kept_ms'

export const jobsOf = `
SELECT id, data, added_at_ms, finished_at_ms, '' AS seen
  FROM jsonb_array_elements_text($2::jsonb) WITH ORDINALITY AS wanted (wanted_id, n)
  JOIN bullmq.job ON queue = $1 AND id = wanted_id ORDER BY n`

const page = (states: string) => `
SELECT id, data, added_at_ms, finished_at_ms, xmin::text AS seen FROM bullmq.job
 WHERE queue = $1 AND state IN (${states}) AND id > $2 ORDER BY id LIMIT $3`
export const livePage = page("'waiting', 'active', 'delayed'")
export const endedPage = page("'completed', 'failed'")

export const built = "SELECT value FROM bullmq.meta WHERE queue = $1 AND field = 'codex-index'"
export const saveVersion = `
INSERT INTO bullmq.meta (queue, field, value) VALUES ($1, 'codex-index', $2)
    ON CONFLICT (queue, field) DO UPDATE SET value = EXCLUDED.value`
