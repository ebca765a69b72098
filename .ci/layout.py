#!/usr/bin/env python3
"""Checks how `src/` is laid out, and names each line that breaks a rule.

    python3 .ci/layout.py [DIRECTORY]    checks the package in DIRECTORY, by default this one
    python3 .ci/layout.py --self-test    checks the rules themselves, on small trees (`layout_test.py`)

The rules:

1. A file imports only from its own folder, from a folder below it, and from the files directly in `src/`. These
   files import no folder. `lib.rs` may import everything.
2. A circle of imports has at most 4 files.
3. A method that is called in a folder is not defined in a folder above it, in an `impl` block apart from its type.
4. `src/` has at most 9 files of its own. A file has at most 500 lines, its tests aside, and a function at most 50.
5. DESIGN.md has at most 120 columns, tables aside.

An import is a path in a `use` or anywhere else in the code. A path to a re-export is an import of both files. Comments,
strings and tests don't count. The script reads Rust as text: it needs no compiler, and knows no types.
"""

import re
import sys
from collections import namedtuple
from pathlib import Path

# Top to bottom.
FOLDERS = ["testing", "register", "control", "exec", "engine", "dispatch", "observe", "park", "job", "clock", "runtime", "ledger", "calendar", "time"]

MOST_FILES_IN_CIRCLE = 4
MOST_FILES_IN_SRC = 9
MOST_LINES_IN_FILE = 500
MOST_LINES_IN_FUNCTION = 50
MOST_COLUMNS = 120

# Findings to be let pass, as they are printed between the line's number and the semicolon: "src/a.rs: what is wrong".
# The list may only shrink: an entry that matches nothing is a finding.
EXCEPTIONS = []

# Types of the standard library have methods of these names: the call of one doesn't tell whose it is.
COMMON_METHODS = set(
    """as_mut as_ref as_str cancel clear clone cmp contains count drain drop elapsed entry eq extend filter find finish first
    flush fmt get get_mut hash id insert into_inner is_empty is_finished iter iter_mut join last len load lock map max min
    name new next now park poll pop position push read recv remove replace reserve reset retain run send set spawn start
    stop store swap take then truncate unpark update values wait wake wake_by_ref with write""".split()
)

Finding = namedtuple("Finding", "path line what way_out")
Import = namedtuple("Import", "line path name is_glob text")
Method = namedtuple("Method", "name type_name file line")


# ---- Rust as text


def blank(text):
    """Spaces in the place of the text. Its lines stay."""
    return re.sub(r"[^\n]", " ", text)


NO_CODE = re.compile(
    r"""//[^\n]*
    |(?P<block>/\*)
    |(?<!\w)(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes)
    |"(?:\\.|[^"\\])*"
    |'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])'""",
    re.X | re.S,
)


def without_comments_and_strings(text):
    parts, at = [], 0
    while found := NO_CODE.search(text, at):
        end = end_of_comment(text, found.start()) if found["block"] else found.end()
        parts += [text[at : found.start()], blank(text[found.start() : end])]
        at = end
    return "".join(parts) + text[at:]


def end_of_comment(text, start):
    """Block comments may be nested."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def end_of_block(code, opening):
    """The end of what begins with the bracket at `opening`."""
    depth = 0
    for mark in re.compile(r"[(\[{]|[)\]}]").finditer(code, opening):
        depth += 1 if mark[0] in "([{" else -1
        if depth == 0:
            return mark.end()
    return len(code)


def end_of_item(code, start):
    """The end of the item that begins at `start`, or of the field, or of the arm of a `match`."""
    while attribute := re.compile(r"\s*#!?(?=\[)").match(code, start):
        start = end_of_block(code, attribute.end())
    is_field = re.compile(r"\s*(?:pub(?:\([^)]*\))?\s+)?\w+\s*:(?!:)").match(code, start)
    is_use = re.compile(r"\s*(?:pub(?:\([^)]*\))?\s+)?use\b").match(code, start)
    at = start
    while found := re.compile(r"[(\[{;,)\]}]").search(code, at):
        mark = found[0]
        if mark in "([{":
            at = end_of_block(code, found.start())
            if mark == "{" and not is_use and not is_field:
                return at
        elif mark == ";" or (mark == "," and is_field):
            return found.end()
        elif mark in ")]}":
            return found.start()
        else:
            at = found.end()
    return len(code)


def split_at_commas(text):
    """The parts between the outer commas, each with its offset."""
    parts, depth, begin = [], 0, 0
    for at, mark in enumerate(text + ","):
        if mark in "({[":
            depth += 1
        elif mark in ")}]":
            depth -= 1
        elif mark == "," and depth == 0:
            parts.append((begin, text[begin:at]))
            begin = at + 1
    return [(at, part) for at, part in parts if part.strip()]


def is_for_tests(condition):
    """Whether the condition of a `cfg` holds only in tests."""
    condition = condition.strip()
    if condition.startswith("all(") and condition.endswith(")"):
        return any(is_for_tests(part) for _, part in split_at_commas(condition[4:-1]))
    return condition == "test"


def without_tests(code):
    """The code without its tests, and how many lines the `mod` blocks among them have."""
    lines = 0
    for attribute in re.compile(r"#(!?)\[\s*cfg(?=\()").finditer(code):
        end = end_of_block(code, attribute.end())
        if code[attribute.start()] != "#" or not is_for_tests(code[attribute.end() + 1 : end - 1]):
            continue
        end = len(code) if attribute[1] else end_of_item(code, code.find("]", end) + 1)
        item = code[attribute.start() : end]
        if attribute[1] or re.search(r"\bmod\s+\w+\s*\{", item):
            lines += item.count("\n")
        code = code[: attribute.start()] + blank(item) + code[end:]
    return code, lines


# ---- A file, and what it says about others


class File:
    def __init__(self, root, path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8")
        self.code, test_lines = without_tests(without_comments_and_strings(self.text))
        self.lines = self.text.count("\n") - test_lines
        parts = path.relative_to(root / "src").with_suffix("").parts
        self.module = parts[:-1] if parts[-1] in ("mod", "lib") else parts
        # `engine.rs` beside `engine/` is a part of the folder.
        self.folder = self.module[0] if len(parts) > 1 or path.with_suffix("").is_dir() else None
        self.is_lib = self.path == "src/lib.rs"
        self.defined = set(re.findall(r"\b(?:struct|enum|union|trait|type|fn|const|static|mod|macro_rules!)\s+(\w+)", self.code))
        self.types = set(re.findall(r"\b(?:struct|enum|union)\s+(\w+)", self.code))
        self.impls = list(impl_blocks(self))
        self.blocks = [(block[1], block.start(), end_of_block(self.code, block.end() - 1))
                       for block in re.finditer(r"\bmod\s+(\w+)\s*\{", self.code)]

    def line_at(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def place(self):
        return f"{self.folder}/" if self.folder else "src/"

    def rank(self):
        """Higher stands above lower; `None` for a folder that isn't listed."""
        if self.is_lib:
            return len(FOLDERS)
        if self.folder is None:
            return -1
        return len(FOLDERS) - 1 - FOLDERS.index(self.folder) if self.folder in FOLDERS else None

    def module_at(self, offset):
        """The module of the code there, with the blocks `mod name { .. }` around it."""
        return self.module + tuple(name for name, begin, end in self.blocks if begin < offset < end)

    def functions(self):
        """Name, offset and length in lines of each function with a body."""
        for found in re.finditer(r"\bfn\s+(\w+)", self.code):
            at = found.end()
            while mark := re.compile(r"[(\[{;]").search(self.code, at):
                at = end_of_block(self.code, mark.start())
                if mark[0] == "{":
                    yield found[1], found.start(), self.code.count("\n", found.start(), at) + 1
                if mark[0] in "{;":
                    break


def paths_in_use(tree, offset=0, before=()):
    """The paths in the tree of a `use`: the offset, the segments and the name in this file of each."""
    if "{" in tree:
        opening = tree.index("{")
        before += segments(tree[:opening], before)
        for at, part in split_at_commas(tree[opening + 1 : end_of_block(tree, opening) - 1]):
            yield from paths_in_use(part, offset + opening + 1 + at, before)
        return
    path, _, name = re.sub(r"\s+", " ", tree).partition(" as ")
    path = before + segments(path, before)
    if len(path) > 1 and path[-1] == "self":
        path = path[:-1]
    if path:
        yield offset + len(tree) - len(tree.lstrip()), path, name.strip() or path[-1]


def segments(path, before):
    """Those of a path; the first is empty if it begins with `::`, which leads into another crate."""
    parts = [part.strip().lstrip("$") for part in path.split("::")]
    return tuple(part for at, part in enumerate(parts) if part or (at == 0 and len(parts) > 1 and not before))


class Tree:
    """The files of `src/`, and which of them imports which."""

    def __init__(self, root):
        paths = sorted((root / "src").rglob("*.rs"))
        self.files = [File(root, path) for path in paths
                      if path.name != "tests.rs" and "tests" not in path.relative_to(root).parts]
        self.by_module = {file.module: file for file in self.files}
        self.uses = {}
        for file in self.files:
            self.uses[file] = list(self.read_uses(file))
        self.imports = {file: self.imports_of(file) for file in self.files}

    def read_uses(self, file):
        for use in re.finditer(r"\buse\s+([^;<]+);", file.code):
            module = file.module_at(use.start())
            for offset, path, name in paths_in_use(use[1], use.start(1)):
                absolute = self.absolute(module, path)
                if absolute is not None:
                    is_glob = path[-1] == "*"
                    absolute = absolute[:-1] if is_glob else absolute
                    yield Import(file.line_at(offset), absolute, name, is_glob, "::".join(path))

    def absolute(self, module, path):
        """The path from the root of the crate; `None` if it leads into another crate."""
        if path[0] == "crate":
            return path[1:]
        if path[0] in ("self", "super"):
            while path and path[0] in ("self", "super"):
                module = module[:-1] if path[0] == "super" else module
                path = path[1:]
            return module + path
        return module + path if module + path[:1] in self.by_module else None

    def imports_of(self, file):
        """The files that a file imports, and by which import it does so first."""
        named = {use.name: use.path for use in self.uses[file] if not use.is_glob}
        found = list(self.uses[file])
        code = re.sub(r"\buse\s+[^;<]+;|\bpub\s*\(\s*in\b[^)]*\)", lambda item: blank(item[0]), file.code)
        for match in re.finditer(r"(?<![\w:])(\w+)((?:\s*::\s*[A-Za-z_]\w*)+)", code):
            path = tuple(re.findall(r"\w+", match[0]))
            absolute = self.absolute(file.module_at(match.start()), path)
            if absolute is None and path[0] in named:
                absolute = named[path[0]] + path[1:]
            if absolute is not None:
                found.append(Import(file.line_at(match.start()), absolute, path[-1], False, "::".join(path)))
        targets = {}
        for each in sorted(found, key=lambda each: each.line):
            for target in self.reached(each.path):
                if target is not file and not target.is_lib:
                    targets.setdefault(target, each)
        return targets

    def reached(self, path, seen=()):
        """The file that a path names, and those that a re-export there leads to."""
        length = len(path)
        while path[:length] not in self.by_module:
            if length == 0:
                return []
            length -= 1
        file, rest = self.by_module[path[:length]], path[length:]
        if not rest or rest[0] in file.defined or file in seen:
            return [file]
        for use in self.uses[file]:
            if use.name == rest[0] and not use.is_glob:
                return [file] + self.reached(use.path + rest[1:], seen + (file,))
        for use in self.uses[file]:
            if use.is_glob:
                beyond = self.reached(use.path + rest, seen + (file,))
                if beyond and rest[0] in beyond[-1].defined:
                    return [file] + beyond
        return [file]


# ---- The rules


def one_way(tree):
    for file, imports in tree.imports.items():
        if file.rank() is None:
            yield Finding(file.path, 1, f"{file.folder}/ has no place among the folders", "give it one in FOLDERS of .ci/layout.py")
            continue
        for target, by in imports.items():
            if target.rank() is not None and target.rank() > file.rank() and target.folder != file.folder:
                yield Finding(
                    file.path, by.line, f"{file.place()} imports {target.place()} ({by.text}), which stands above it",
                    "move what it needs down, or hand it in: as an argument or behind a trait",
                )


def circles(tree):
    """The sets of files each of which imports, by a detour or not, all others of its set."""
    reach = {}
    for file in tree.files:
        reach[file], left = set(), [file]
        while left:
            for target in tree.imports[left.pop()]:
                if target not in reach[file]:
                    reach[file].add(target)
                    left.append(target)
    found = {frozenset(other for other in reach[file] if file in reach[other]) for file in tree.files}
    return sorted((sorted(circle, key=lambda file: file.path) for circle in found if circle), key=len)


def small_circles(tree):
    for circle in circles(tree):
        if len(circle) <= MOST_FILES_IN_CIRCLE:
            continue
        arrows = []
        for file in circle:
            inside = [f"{to.path} (line {by.line})" for to, by in tree.imports[file].items() if to in circle]
            arrows.append(f"\n    {file.path} imports {', '.join(inside)}")
        first = min(by.line for to, by in tree.imports[circle[0]].items() if to in circle)
        yield Finding(
            circle[0].path, first, f"{len(circle)} files import each other in a circle, at most {MOST_FILES_IN_CIRCLE} may",
            "cut one of these imports, or import from the file itself if one passes through a re-export:" + "".join(arrows),
        )


def impl_blocks(file):
    """The name of the type, whether the block is for a trait, and the bounds of its body."""
    for found in re.finditer(r"(?:^|[;{}\]])\s*(?:unsafe\s+)?(impl)\b([^{;]*)\{", file.code):
        header, before = found[2].replace("->", "  "), None
        while header != before:
            before, header = header, re.sub(r"<[^<>]*>", "", header)
        *before, name = re.split(r"\bfor\b", re.split(r"\bwhere\b", header)[0])
        if re.fullmatch(r"[\w:]+", name.strip()):
            yield name.strip().split("::")[-1], bool(before), found.end(), end_of_block(file.code, found.end() - 1)


def methods_of(file, at, end):
    """Name and offset of each method that other folders can call, in the body of a block."""
    while found := re.compile(r"[(\[{]|((?:pub\s*(\([^)]*\))?\s*)?)(?:(?:const|async|unsafe)\s+)*\bfn\s+(\w+)").search(file.code, at, end):
        if found[3] is None:
            at = end_of_block(file.code, found.start())
            continue
        at = found.end()
        is_near = (found[2] or "").strip("( )") in ("self", "super") and len(file.module) > 1
        if found[1] and not is_near:
            yield found[3], found.start(3)


def methods_above_their_type(tree):
    for file in tree.files:
        for name, is_for_trait, begin, end in file.impls:
            homes = [home for home in tree.files if name in home.types]
            if len(homes) > 1:
                homes = [home for home in homes if home is file or home in tree.imports[file]]
            is_above = any(None not in (home.rank(), file.rank()) and home.rank() < file.rank() for home in homes)
            if is_above and not is_for_trait and file not in homes:
                for method, offset in methods_of(file, begin, end - 1):
                    yield Method(method, name, file, file.line_at(offset))


def no_hidden_calls(tree):
    for method in methods_above_their_type(tree):
        for file in tree.files:
            if file.rank() is None or file.rank() >= method.file.rank() or method.name not in file.code:
                continue
            for offset in calls(tree, file, method):
                yield Finding(
                    file.path, file.line_at(offset),
                    f"{file.place()} calls {method.type_name}::{method.name}, which {method.file.place()} above it defines",
                    f"define it beside {method.type_name} ({method.file.path}:{method.line}), or call a trait's method",
                )


def calls(tree, file, method):
    """Where the file calls the method. Of a receiver only the name is known: a call is reported where it is certain."""
    is_common = method.name in COMMON_METHODS or any(
        method.name in other.defined and other.rank() is not None and other.rank() <= file.rank() for other in tree.files
    )
    its_name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.type_name).lower()
    after_dot = rf"(?:\b(?P<receiver>\w+)(?:\(\))?\s*)?(?P<dot>\.)\s*{method.name}\s*(?:::\s*<[^;()]*>\s*)?\("
    for found in re.finditer(rf"{after_dot}|\b{method.type_name}\s*::\s*{method.name}\b", file.code):
        if found["receiver"] == "self":
            around = [name for name, _, begin, end in file.impls if begin <= found.start() < end]
            is_certain = around[-1:] == [method.type_name]
        else:
            is_certain = not found["dot"] or found["receiver"] == its_name or not is_common
        if is_certain:
            yield found.start("dot") if found["dot"] else found.start()


def sizes(root, tree):
    own = sorted(path.name for path in (root / "src").iterdir() if path.is_file() and not path.name.startswith("."))
    if len(own) > MOST_FILES_IN_SRC:
        yield Finding("src", 1, f"{len(own)} files stand directly in src/, at most {MOST_FILES_IN_SRC} may",
                      "move some of them into folders: " + ", ".join(own))
    for file in tree.files:
        if file.lines > MOST_LINES_IN_FILE:
            yield Finding(file.path, MOST_LINES_IN_FILE + 1, f"{file.lines} lines without tests, at most {MOST_LINES_IN_FILE} may be",
                          "split the file where its names part")
        for name, offset, lines in file.functions():
            if lines > MOST_LINES_IN_FUNCTION:
                yield Finding(file.path, file.line_at(offset),
                              f"the function {name} has {lines} lines, at most {MOST_LINES_IN_FUNCTION} may be",
                              "make functions of its steps")


def columns(root):
    for number, line in enumerate((root / "DESIGN.md").read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > MOST_COLUMNS and not line.lstrip().startswith("|"):
            yield Finding("DESIGN.md", number, f"{len(line)} columns, at most {MOST_COLUMNS} may be", "break the line")


def check(root, exceptions=()):
    """What is wrong in the package at `root`, and the line of figures."""
    tree = Tree(root)
    found = [*one_way(tree), *small_circles(tree), *no_hidden_calls(tree), *sizes(root, tree), *columns(root)]
    known = {f"{finding.path}: {finding.what}" for finding in found}
    wrong = sorted({finding for finding in found if f"{finding.path}: {finding.what}" not in exceptions})
    wrong += [Finding(".ci/layout.py", 1, f"the exception \"{each}\" matches nothing", "remove it") for each in exceptions
              if each not in known]
    return wrong, figures(tree)


def figures(tree):
    largest = max((len(circle) for circle in circles(tree)), default=0)
    folders = {file.folder for file in tree.files if file.folder}
    longest = max(tree.files, key=lambda file: file.lines)
    lines, function = max((lines, name) for file in tree.files for name, _, lines in file.functions())
    return (
        f"{len(tree.files)} files in {len(folders)} folders; largest circle of imports: {largest} files; "
        f"longest file: {longest.lines} lines ({longest.path}); longest function: {lines} lines ({function})"
    )


def main(arguments):
    if arguments == ["--self-test"]:
        sys.dont_write_bytecode = True
        import layout_test

        return layout_test.run(check, FOLDERS)
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    wrong, summary = check(root, EXCEPTIONS)
    for each in wrong:
        print(f"{each.path}:{each.line}: {each.what}; {each.way_out}")
    print(f"layout: {summary}" if not wrong else f"layout: {len(wrong)} lines break the rules at the head of .ci/layout.py")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
