import type { Database } from '../../src/adapters/postgres.ts';

/** Tables, columns, constraints, indexes and triggers of a database, a line each, sorted: equal for equal schemas. */
export async function schemaOf(db: Database): Promise<readonly string[]> {
  const rows = await db.query<{ line: string }>(`
    with mine as (select oid, relname, relkind from pg_class where relnamespace = 'public'::regnamespace)
    select relname || ' column ' || attname || ' ' || format_type(atttypid, atttypmod)
      || coalesce(' collate ' || (select collname from pg_collation c where c.oid = attcollation and collname <> 'default'), '')
      || case when attnotnull then ' not null' else '' end
      || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || ' storage ' || attstorage::text as line
    from mine join pg_attribute a on attrelid = mine.oid left join pg_attrdef d on adrelid = attrelid and adnum = attnum
    where relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped
    union all
    select coalesce(relname, '') || ' constraint ' || conname || ' ' || pg_get_constraintdef(c.oid)
    from pg_constraint c join mine on conrelid = mine.oid where contype <> 'n'
    union all
    select relname || ' index ' || pg_get_indexdef(indexrelid) from pg_index join mine on indrelid = mine.oid
    union all
    select relname || ' trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join mine on tgrelid = mine.oid where not tgisinternal
    union all
    select 'function ' || pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select 'type ' || typname || ' ' || string_agg(enumlabel, ', ' order by enumsortorder)
    from pg_type t join pg_enum on enumtypid = t.oid group by typname
    union all
    select relname || ' is ' || case relkind when 'r' then 'table' when 'p' then 'partitioned table' else relkind::text end
    from mine where relkind <> 'i' and relkind <> 'I'
    order by line`);
  return rows.map((row) => row.line).toSorted();
}
