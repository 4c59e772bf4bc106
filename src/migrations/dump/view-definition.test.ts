import { describe, expect, it } from 'vitest'
import { viewDefinition } from './view-definition.ts'

describe('viewDefinition', () => {
  // What PostgreSQL 15 prints, and what 16 and later print for the same view.
  it.each([
    [
      'of one table',
      ' SELECT t.id,\n    upper(t.name) AS n,\n    t."Odd t"\n   FROM app.t\n  WHERE (t.id > 1)\n  ORDER BY t.name;',
      ' SELECT id,\n    upper(name) AS n,\n    "Odd t"\n   FROM app.t\n  WHERE (id > 1)\n  ORDER BY name;',
    ],
    [
      'with an alias and a subquery, which keeps its names',
      ' SELECT x.id\n   FROM app.t x\n  WHERE (EXISTS ( SELECT 1\n           FROM app.u\n          WHERE (u.id = x.id)));',
      ' SELECT id\n   FROM app.t x\n  WHERE (EXISTS ( SELECT 1\n           FROM app.u\n          WHERE (u.id = x.id)));',
    ],
    [
      'of a WITH query',
      ' WITH x AS (\n         SELECT t.id\n           FROM app.t\n        )\n SELECT x.id\n   FROM x;',
      ' WITH x AS (\n         SELECT t.id\n           FROM app.t\n        )\n SELECT id\n   FROM x;',
    ],
    [
      'of a subquery',
      ' SELECT s.id\n   FROM ( SELECT t.id\n           FROM app.t) s\n  WHERE (s.id = 1);',
      ' SELECT id\n   FROM ( SELECT t.id\n           FROM app.t) s\n  WHERE (id = 1);',
    ],
    [
      'of a function',
      ' SELECT g.n\n   FROM generate_series(1, 3) WITH ORDINALITY g(n, o);',
      ' SELECT n\n   FROM generate_series(1, 3) WITH ORDINALITY g(n, o);',
    ],
    [
      'where a schema has the name of the table',
      ` SELECT t.f(t.id) AS f,\n    'a'::t.kind AS k,\n    't.id' AS s\n   FROM t.t;`,
      ` SELECT t.f(id) AS f,\n    'a'::t.kind AS k,\n    't.id' AS s\n   FROM t.t;`,
    ],
    [
      'with a whole row and a field of a column',
      ' SELECT t.*::app.t AS r,\n    (t.p).a AS a\n   FROM app.t;',
      ' SELECT t.*::app.t AS r,\n    (p).a AS a\n   FROM app.t;',
    ],
  ])('V1: writes a view %s as newer servers do', (_, old, current) => {
    expect(viewDefinition(old)).toBe(current)
    expect(viewDefinition(current)).toBe(current)
  })

  it.each([
    ' SELECT t.id\n   FROM (app.t\n     JOIN app.u ON ((u.id = t.id)));',
    ' SELECT x.id\n   FROM app.t x,\n    app.u y;',
    ' SELECT t.id\n   FROM app.t\nUNION ALL\n SELECT u.id\n   FROM app.u;',
    ' SELECT 1 AS one;',
  ])('V2: leaves a view of several relations, or none, as it is: %j', (definition) => {
    expect(viewDefinition(definition)).toBe(definition)
  })
})
