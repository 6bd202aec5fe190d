import { posix } from 'node:path';

import ts from 'typescript';

/** One import of a file: a path in the tree (`src/…`), or the name of a package (`pg`, `node:fs`). */
export interface Import {
  readonly to: string;
  readonly typeOnly: boolean;
  readonly lazy: boolean;
}

/** What the rules want to know of a file. */
export interface Source {
  readonly path: string;
  readonly imports: readonly Import[];
  /** The outside things it touches, as written: `process`, `Date.now`, `new Date`, `vi.mock`, `sleep`. */
  readonly touches: readonly string[];
  /** Every literal text in it. */
  readonly texts: readonly string[];
  /** The properties it reads: `config.X`, `const { X } = config`, `values.get('X')`. */
  readonly reads: readonly string[];
  readonly functions: readonly NamedFunction[];
  /** Hands on what others wrote, and has nothing of its own. */
  readonly barrel: boolean;
}

export interface NamedFunction {
  readonly name: string;
  readonly exported: boolean;
  /** Lines of its doc comment; 0 is none. */
  readonly docLines: number;
}

/** Parses one file; nothing in it is run. */
export function readSource(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const nodes = [...below(file)];
  return {
    path,
    imports: nodes.flatMap((node) => importsOf(path, node)),
    touches: nodes.flatMap(touched),
    texts: nodes.flatMap(literal),
    reads: nodes.flatMap(read),
    functions: file.statements.flatMap(functionsOf),
    barrel: file.statements.every(handsOn) && file.statements.some(ts.isExportDeclaration),
  };
}

function* below(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* below(child);
}

function importsOf(path: string, node: ts.Node): Import[] {
  if (ts.isImportDeclaration(node))
    return imported(path, node.moduleSpecifier, { typeOnly: isTypeImport(node) });
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return imported(path, node.moduleSpecifier, { typeOnly: node.isTypeOnly });
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return imported(path, node.argument.literal, { typeOnly: true });
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return imported(path, node.arguments[0], { lazy: true });
  return [];
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause || importClause.isTypeOnly) return importClause?.isTypeOnly ?? false;
  const names = importClause.namedBindings;
  return (
    !importClause.name &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

function imported(
  path: string,
  specifier: ts.Node | undefined,
  { typeOnly = false, lazy = false }: Partial<Pick<Import, 'typeOnly' | 'lazy'>>,
): Import[] {
  if (!specifier || !ts.isStringLiteral(specifier)) return [];
  return [{ to: target(path, specifier.text), typeOnly, lazy }];
}

function target(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const members = new Set(['Date.now', 'Math.random', 'performance.now', 'vi.mock', 'vi.doMock']);
const randomness = new Set(['randomBytes', 'randomUUID', 'randomInt', 'getRandomValues']);

/** A length of time written into the code: `sleep(500)`, `timeoutMs: 60 * 1000`, `const retryDelay = 5_000`. */
function isFixedTime(node: ts.Node): boolean {
  if (!ts.isExpression(node) || !/^[\d_]*[1-9][\d_]*(\s*\*+\s*[\d_]+)*$/.test(node.getText())) return false;
  const { parent } = node;
  if (ts.isCallExpression(parent)) return isTimer(parent) && parent.arguments.includes(node);
  const isNamed = ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent);
  return (
    isNamed && /(?<!^(second|minute|hour|day))Ms$|([tT]imeout|Delay|Interval)$/.test(parent.name.getText())
  );
}

function isTimer({ expression }: ts.CallExpression): boolean {
  return /(^|\.)(setTimeout|setInterval|sleep|timeout)$/.test(expression.getText());
}

type Detector = (node: ts.Node) => string | false;

const detectors: readonly Detector[] = [
  (node) => ts.isPropertyAccessExpression(node) && members.has(node.getText()) && node.getText(),
  (node) => ts.isNewExpression(node) && /^new Date(\(\))?$/.test(node.getText()) && 'new Date',
  (node) => ts.isIdentifier(node) && node.text === 'process' && !isName(node) && 'process',
  (node) => ts.isIdentifier(node) && randomness.has(node.text) && node.text,
  (node) => ts.isAwaitExpression(node) && isPause(node.expression) && !isInLoop(node) && 'sleep',
  (node) => isFixedTime(node) && `a fixed time: ${node.parent.getText()}`,
];

function touched(node: ts.Node): string[] {
  return detectors.map((detect) => detect(node)).filter((found) => found !== false);
}

function isName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent)) &&
      parent.name === node)
  );
}

/** A wait for time itself, as opposed to a wait for a condition. */
function isPause(expression: ts.Expression): boolean {
  if (ts.isNewExpression(expression)) return /^new Promise\b[\s\S]*\bsetTimeout\(/.test(expression.getText());
  if (!ts.isCallExpression(expression)) return false;
  const called = expression.expression.getText();
  return (
    /^(setTimeout|sleep|sleepFor|delay|pause|systemClock\.sleep)$/i.test(called) && !isNothing(expression)
  );
}

/** `sleep(0)` gives others a turn; it waits for no time. */
function isNothing({ arguments: [first] }: ts.CallExpression): boolean {
  return first?.getText() === '0';
}

function isInLoop(node: ts.Node): boolean {
  for (let above = node.parent; above; above = above.parent) {
    if (ts.isIterationStatement(above, false)) return true;
    if (ts.isFunctionLike(above)) return false;
  }
  return false;
}

function literal(node: ts.Node): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  return ts.isTemplateHead(node) ? [node.text] : [];
}

function read(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node)) return [node.name.text];
  if (ts.isBindingElement(node)) return [(node.propertyName ?? node.name).getText()];
  return ts.isCallExpression(node) ? node.arguments.filter(ts.isStringLiteral).map(({ text }) => text) : [];
}

function functionsOf(statement: ts.Statement): NamedFunction[] {
  const note = { exported: isExported(statement), docLines: docLinesOf(statement) };
  if (ts.isFunctionDeclaration(statement)) return [{ name: statement.name?.text ?? '', ...note }];
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations
    .filter(({ initializer }) => initializer && ts.isArrowFunction(initializer))
    .map((declaration) => ({ name: declaration.name.getText(), ...note }));
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (statement.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

function docLinesOf(statement: ts.Statement): number {
  const [doc] = ts.getJSDocCommentsAndTags(statement);
  const lines = doc?.getText().split('\n') ?? [];
  return lines.filter((line) => !/^\s*(\/\*\*|\*\/)?\s*$/.test(line)).length;
}

function handsOn(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)
  );
}
