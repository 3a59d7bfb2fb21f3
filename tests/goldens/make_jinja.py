"""Goldens of the template engine: Jinja2 itself, in the environment of transformers.

    python make_jinja.py OUT.json

OUT.json: {templates: {name: source}, cases: [{source or template, variables, text or error}]}. An error's text is Jinja2's own
and only there to be read; strftime_now tells 26 July 2024, 10:11:12.
"""
import datetime
import itertools
import json
import pathlib
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template

NOW = datetime.datetime(2024, 7, 26, 10, 11, 12)
V = {"s": "Hello, World", "e": "", "n": None, "i": 7, "f": 1.5, "t": True, "neg": -7, "l": [1, "two", 3.0, None, True], "d": {"b": 1, "a": [1, 2], "items": 3},
     "u": "Ünï\u2028\u00e9 😀\t\"q\" 'x' <b>&", "words": ["banana", "Apple", "cherry", "apple"],
     "users": [{"name": "Ann", "age": 30, "tags": ["x"]}, {"name": "Bob", "age": None}, {"name": "cy", "age": 4, "tags": []}], "nested": {"x": {"y": [{"z": 5}]}}}

# Every line is a template of its own.
LINES = r'''
{{ true }} {{ none }} {{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 123456789012345680.0 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1e22 }} {{ -0.0 }} {{ 3.14159 }}
[{{ missing }}]
[{{ missing.attribute }}]
{{ missing.attribute is defined }}
{{ missing is defined }} {{ missing is undefined }} {{ s is defined }} {{ n is defined }}
[{{ l[99] }}][{{ d.nokey }}][{{ d['nokey'] }}][{{ l[-1] }}][{{ l[-99] }}][{{ s[0] }}][{{ s[-1] }}][{{ s[99] }}]
{{ l[99].x }}
{{ l }} {{ d }} {{ [1, 'a', "it's", 'q"q', "b'\"b", none, true, 1.0] }} {{ (1,) }} {{ (1, 2) }} {{ () }} {{ [] }} {{ {} }} {{ {'a': {'b': 1}, 2: (3,)} }}
{{ [u] }} {{ ['\n\t\r\\', '\x00\x7f\xa0\u200b\u2028\U0001F600'] }}
{% for x in [1, 2] %}{% set s = x %}{{ s }}{% endfor %}{{ s }}
{% if true %}{% set s = 1 %}{% endif %}{{ s }}
{% set ns = namespace(x=0, y='a') %}{% for v in [1, 2, 3] %}{% set ns.x = ns.x + v %}{% endfor %}{{ ns.x }} {{ ns.y }} {{ ns.nothing is defined }}
{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}
{% set ns = namespace(d, z=2) %}{{ ns.b }} {{ ns.z }}
{% set d.x = 1 %}
{% set ns = namespace(_x=1) %}
{{ 'a' + 1 }}
{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1] ~ missing }}
{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 6 / 2 }}
{{ 1 is true }} {{ true is true }} {{ false is false }} {{ 0 is false }} {{ true + 1 }} {{ 3 == 3.0 }} {{ '1' == 1 }} {{ true == 1 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 }}
{{ d is iterable }} {{ s is iterable }} {{ d is mapping }} {{ l is sequence }} {{ s is sequence }} {{ d is sequence }} {{ 1 is iterable }} {{ missing is iterable }} {{ missing is sequence }} {{ l is mapping }}
{{ missing == none }} {{ missing is none }} {{ not missing }} {{ missing | length }} {{ missing == missing2 }} {{ missing != 1 }}
{{ missing | default('x') }} {{ '' | default('x') }}| {{ '' | default('x', true) }} {{ none | default('x') }} {{ 0 | default(5, boolean=true) }} {{ missing | d }}|
{{ d | tojson }} {{ u | tojson }} {{ l | tojson }} {{ 1e22 | tojson }} {{ 1.0 | tojson }} {{ '<&\'>' | tojson }} {{ "\x00\x1f\x7f" | tojson }} {{ {'k': none, 'e': [], 'o': {}} | tojson }}
{{ d | tojson(indent=2) }} {{ [] | tojson(indent=2) }} {{ {'a': []} | tojson(indent='--') }} {{ {2: 1, true: 2, none: 3, 1.5: 4} | tojson }}
{{ d | tojson(sort_keys=true) }} {{ u | tojson(ensure_ascii=true) }} {{ [1, {'a': 2}] | tojson(separators=(',', ':')) }} {{ [1, [2]] | tojson(indent=1, separators=(';', '=')) }} {{ (1, 2) | tojson }}
{{ missing | tojson }}
{% for k in d %}{{ k }},{% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in d | items %}{{ k }}:{{ v }} {% endfor %}
{{ d['items'] }} {{ d.get('b') }} {{ d.get('zz') }} {{ d.get('zz', 5) }} {{ d.keys() | list }} {{ d.values() | list }} {{ d.keys() }} {{ d.items() }} {{ d.values() }} {{ d.keys() | length }}
{{ missing | items | list }}
{{ 5 | items | list }}
{{ 1 if true }} [{{ 1 if false }}] {{ 1 if false else 2 if false else 3 }}
{{ (1 if false).x }}
{{ s[1:4] }} {{ s[::-1] }} {{ s[-3:] }} {{ s[:-3] }} {{ l[::2] }} {{ l[::-1] }} {{ l[3:0:-1] }} {{ l[10:] }} {{ l[-2:] }} {{ (1, 2, 3)[1:] }} {{ u[:3] }} {{ l[1:][0] }} {{ l[5:2] }} {{ s[0:5:2] }} {{ l[-1:-3:-1] }}
{{ l[::0] }}
{{ 'ell' in s }} {{ 'x' not in s }} {{ 1 in l }} {{ 'b' in d }} {{ 'zz' in d }} {{ none in l }} {{ 'x' in missing }} {{ 2 in (1, 2) }} {{ '' in s }}
{{ 1 in s }}
{{ 1 in 5 }}
{{ 1 and 0 }} {{ 0 or 'x' }} {{ none or missing or 'z' }} {{ 1 and 'a' and [] }} {{ not 1 }} {{ not not [] }}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}[{{ loop.previtem }}][{{ loop.nextitem }}] {% endfor %}
{% for x in l if x is number %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}none{% endfor %}{% for x in [] %}{% else %}empty{% endfor %}{% for x in missing %}x{% else %}undef{% endfor %}
{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for a, b in [(1, 2), [3, 4]] %}{{ a }}-{{ b }} {% endfor %}{% for (a, (b, c)) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}
{% for x in 5 %}{% endfor %}
{% for c in 'añ😀' %}{{ c }}.{% endfor %}{% for x in [1, 2, 3] %}{{ loop.cycle('odd', 'even') }} {% endfor %}{% for x in [1, 1, 2] %}{{ loop.changed(x) }} {% endfor %}
{% for x in [[1, [2]], [3]] recursive %}{% if x is iterable %}({{ loop(x) }}){{ loop.depth }}{% else %}{{ x }}{% endif %}{% endfor %}
{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}{% set (a, b) = (b, a) %}{{ a }}{{ b }}
{% set x %}a {{ s }} b{% endset %}[{{ x }}]{% set y | upper | replace('L', '_') %}{{ s }}{% endset %}{{ y }}
{% macro m(a, b='B', c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 2) }} {{ m(b=3, a=4) }} {{ m() }} {{ m(1, c=none) }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, z=4) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, z=2) }}
{% macro m(a) %}[{{ caller(a) }}]{% endmacro %}{% call(x) m(5) %}x={{ x }}{% endcall %}
{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% set outer = 1 %}{% macro m() %}{{ outer }}{{ s }}{% endmacro %}{% set outer = 2 %}{{ m() }}
{% macro m() %}{% set q = 1 %}{{ q }}{% endmacro %}{{ m() }}{{ q is defined }}
{% filter upper %}a{{ s }}{% endfilter %}{% filter replace('a', 'b') | upper %}aa{% endfilter %}{% with x = 1, y = s %}{{ x }}{{ y }}{% endwith %}{{ x is defined }}
{% generation %}g{% set gg = 1 %}{% endgeneration %}{{ gg is defined }}
{% raw %}{{ x }}{% if %}{% endraw %}|{%- raw -%}  a  {%- endraw -%}  b
{{ s | length }} {{ u | length }} {{ l | count }} {{ d | length }} {{ '😀' | length }}
{{ 5 | length }}
{{ '  a b ' | trim }}| {{ 'xxaxx' | trim('x') }} {{ s | upper }} {{ s | lower }} {{ 'ß straße ΑΣ ǆ' | upper }} {{ 'ΑΣ İ' | lower }} {{ 'hello wORLD-foo (bar) x' | title }} {{ 'hELLO w' | capitalize }} {{ 5 | upper }}
{{ "they're bill's friends x2y" .title() }} {{ 'hELLO'.capitalize() }}
{{ l | join(',') }} {{ l | join }} {{ users | join(', ', attribute='name') }} {{ 'abc' | join('-') }} {{ users | map(attribute='name') | join('+') }} {{ users | map(attribute='tags', default='?') | list }}
{{ users | map(attribute='tags.0') | list }}
{{ users[:1] | map(attribute='tags.0') | list }}
{{ words | map('upper') | list }} {{ [1, 2] | map('string') | list }} {{ ['a_b'] | map('replace', '_', '-') | list }} {{ nested | map('length') | list }}
{{ l | select | list }} {{ l | select('number') | list }} {{ l | reject('none') | list }} {{ [1, 2, 3, 4] | select('gt', 2) | list }} {{ [1, 2, 3] | reject('odd') | list }} {{ [1, 2, 3] | select('in', [1, 3]) | list }} {{ [1, 6] | select('divisibleby', 3) | list }}
{{ users | selectattr('age') | map(attribute='name') | list }} {{ users | rejectattr('age', 'none') | map(attribute='name') | list }}
{{ users | selectattr('age', 'gt', 5) | list }}
{{ users | selectattr('name', 'equalto', 'Ann') | list }} {{ users | selectattr('tags', 'defined') | map(attribute='name') | list }} {{ users | rejectattr('name', 'eq', 'Bob') | list | length }} {{ users | selectattr('name', '==', 'Bob') | first }}
{{ l | first }} {{ l | last }} {{ [] | first }}| {{ 'abc' | first }}{{ 'abc' | last }} {{ [] | last is defined }}
{{ s | replace('l', 'L') }} {{ s | replace('l', 'L', 1) }} {{ 'aaa' | replace('', '-') }} {{ s | string }} {{ 5 | string ~ 1 }} {{ none | string }} {{ l | list }} {{ s | list }} {{ d | list }}
{{ '42' | int }} {{ ' 42 ' | int }} {{ '4.7' | int }} {{ 'x' | int }} {{ 'x' | int(9) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ none | int }} {{ '0x1A' | int(base=16) }} {{ '1_000' | int }} {{ true | int }} {{ '1e3' | int }} {{ '-5' | int }} {{ 'z' | int(default=none) }}
{{ missing | int }}
{{ '1.5' | float }} {{ 'x' | float }} {{ 'x' | float(2.5) }} {{ 3 | float }} {{ '1e3' | float }} {{ none | float }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 42 | round }} {{ 1.21 | round(1, 'ceil') }} {{ 1.29 | round(1, 'floor') }} {{ -2.5 | round }} {{ 1234 | round(-2) }} {{ 1250.0 | round(-2) }} {{ -5 | abs }} {{ -5.5 | abs }}
{{ words | sort }} {{ words | sort(reverse=true) }} {{ words | sort(case_sensitive=true) }} {{ users | sort(attribute='name') | map(attribute='name') | list }} {{ [3, 1, 2] | sort }} {{ words | unique | list }} {{ words | unique(true) | list }} {{ [1, 1.0, true, 2] | unique | list }}
{{ [1, 'a'] | sort }}
{{ {'b': 1, 'A': 3, 'c': 2} | dictsort }} {{ {'b': 1, 'a': 3} | dictsort(by='value') }} {{ {'b': 1, 'a': 3} | dictsort(reverse=true) }} {{ {'b': 1, 'A': 3} | dictsort(true) }}
{{ [1, 2, 3] | sum }} {{ users | selectattr('age') | sum(attribute='age') }} {{ [] | sum }} {{ [[1], [2]] | sum(start=[]) }} {{ [3, 1] | min }} {{ [3, 1] | max }} {{ words | max }} {{ words | min(case_sensitive=true) }} [{{ [] | max }}]
{{ 'a\nb\n\nc' | indent }}| {{ 'a\nb' | indent(2, true) }} {{ 'a\n\nb' | indent(width='>', blank=true) }} {{ 'a\n' | indent }}|
{{ [1, 2, 3] | reverse | list }} {{ 'abc' | reverse }} {{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ 'a b-c d_e' | wordcount }} {{ 'ab' | center(6) }}|
{{ '<a href="x">\'&' | e }} {{ '<b>' | safe }} {{ '<' | escape }}
{{ '%s %d %5.2f|%-5s|%05d|%x|%r|%%|%+d|%i' | format('a', 3, 2.345, 'b', 42, 255, 'q', 5, 7.9) }} {{ '%(a)s' | format(a=1) }} {{ '%s' % 'x' }} {{ '%s %s' % (1, 2) }} {{ '%.3s' % 'abcdef' }} {{ '%e' % 12345.678 }} {{ '%g' % 0.0001 }}
{{ '%d' % 'x' }}
{{ '%s %s' % 1 }}
{{ '%s' % (1, 2) }}
{{ '{} {1}' .format(1, 2) }}
{{ '{} {} {a} {{}} {:>5} {:<5}| {:^5} {:05d} {:.2f} {:,} {!r} {:x} {:+d}'.format(1, 'x', 'ab', 'cd', 'mid', 42, 3.14159, 1234567, 'r', 255, 3, a='A') }} {{ '{0}{1}{0}'.format('a', 'b') }}
{{ s.startswith('He') }} {{ s.endswith(('x', 'ld')) }} {{ s.split(', ') }} {{ ' a  b c '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b  c '.split(none, 1) }} {{ ' a b  c '.rsplit(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a\nb\r\nc'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }}
{{ '  x '.strip() }}|{{ '  x '.lstrip() }}|{{ '  x '.rstrip() }}|{{ 'xxyxx'.strip('x') }} {{ 'abcba'.strip('ab') }} {{ s.replace('o', '0') }} {{ s.replace('o', '0', 1) }} {{ s.upper() }} {{ s.lower() }} {{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('zz') }} {{ s.index('W') }} {{ s.count('l') }} {{ 'aaa'.count('aa') }} {{ 'é😀x'.find('x') }}
{{ s.index('zz') }}
{{ '-'.join(['a', 'b']) }} {{ 'a'.isdigit() }} {{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' \n'.isspace() }} {{ 'AB'.isupper() }} {{ 'ab1'.islower() }} {{ 'xabc'.removeprefix('x') }} {{ 'abcx'.removesuffix('x') }} {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a'.ljust(3, '.') }} {{ 'a'.rjust(3) }} {{ 'ab'.center(5, '*') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ ''.isdigit() }}
{{ '-'.join([1]) }}
{{ s.nomethod() }}
{{ s.nomethod }}|
{{ l.append(1) }}
{{ d.update({'x': 1}) }}
{{ d.pop('b') }}
{{ l.index('two') }} {{ [1, 1].count(1) }}
{{ 1 is number }} {{ 1.5 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is integer }} {{ 1.0 is float }} {{ true is boolean }} {{ 1 is boolean }} {{ 's' is string }} {{ none is none }} {{ 1 is string }} {{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }}
{{ 1 is equalto 1 }} {{ 1 is eq 2 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 2 is ge 2 }} {{ 'a' is in ['a'] }} {{ 'a' is not in ['a'] }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ range is callable }} {{ s is callable }} {{ none is sameas none }} {{ 5 is not defined }}
{{ s is defined and i is defined }} {{ s is defined or nothing }} {{ (s is string) == true }} {{ not s is string }}
{{ s is nosuchtest }}
{{ s | nosuchfilter }}
{{ nosuchfunction() }}
{{ s() }}
{{ range(5) | list }} {{ range(2, 8, 3) | list }} {{ range(3, 0, -1) | list }} {{ range(0) | list }} {{ range(5)[2] }} {{ range(3) | length }} {{ dict(a=1, b=2) }} {{ dict([('a', 1)]) }} {{ dict({'a': 1}, b=2) }}
{{ range(1000000) }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner('|') %}{{ j() }}{{ j() }}{{ j() }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %b %B %A %j') }} {{ strftime_now('') }}|
{{ raise_exception('no ' ~ i) }}
{{ [1, 2] + [3] }} {{ (1,) + (2,) }} {{ 'ab' * 3 }} {{ [0] * 2 }} {{ 2 * 'x' }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }} {{ [1, 2] < [1, 3] }} {{ 'é' > 'z' }} {{ [1] == [1.0] }} {{ {'a': 1} == {'a': 1.0} }} {{ (1,) == [1] }} {{ 'ab' * -1 }}|
{{ [1] + (2,) }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ missing + 1 }}
{{ missing < 1 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ -i }} {{ +i }} {{ - 3 }} {{ 1 - -1 }} {{ -1 | abs }} {{ -neg }}
{{ -'a' }}
{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000 }} {{ 1e3 }} {{ 1.5e-3 }} {{ 1E5 }} {{ 10.0 }}
{{ 'a' 'b' "c" }} {{ "a\"b" }} {{ 'a\'b' }} {{ 'tab\there' }} {{ '\u00e9\x41\101' }} {{ 'back\\slash \q' }}
{{ {'a': 1, 'b': [1, {'c': 2}]}['b'][1].c }} {{ nested.x.y[0].z }} {{ nested['x']['y'][0]['z'] }} {{ l.1 }} {{ nested.x.y.0.z }} {{ [[1, 2], [3]][0][1] }} {{ {1: 'one'}[1] }} {{ {true: 'y'}[1] }}
{{ d[missing] }}
{{ s[missing] }}
{{ (s | upper).split(',')[0] | lower }} {{ s.split(',') | first | upper }} {{ s | replace('l', 'L') | length > 5 }} {{ 'a' if s | length > 3 else 'b' }}
{{ foo is defined and foo.bar }} {{ foo is defined and foo.bar is none }}
{{ [x for x in l] }}
{{ 1 2 }}
{{ }}
{{ a b }}
{% if %}{% endif %}
{% if true %}
{% endif %}
{% for x in %}{% endfor %}
{% unknowntag %}
{% set true = 1 %}
{{ "unclosed }}
{{ (1 }}
{{ [1 }}
{# unclosed
{% raw %} never
{{ 1 }
{% set x = 1
{% include 'x' %}
{{ 'a' is string is string }}
{{ f(a=1, 2) }}
{% macro m(a=1, b) %}{% endmacro %}
text } %} #} }} { % {
{{- s -}} x {{- s }} y {{ s -}}   z
  {%- if true -%}   a   {%- endif -%}   b
  {%+ if true %} a {% endif +%}  b
a {# comment #} b {#- c -#} d
{{ '{{' }} {{ '}}' }} {{ '%}' }} {{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {}} }}
{{ loop is defined }} {{ namespace is defined }} {{ raise_exception is defined }} {{ tojson is defined }}
{% set x = [] %}{% for i in range(3) %}{% set x = x + [i] %}{% endfor %}{{ x }}{% set y = namespace(v=[]) %}{% for i in range(3) %}{% set y.v = y.v + [i] %}{% endfor %}{{ y.v }}
{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}
{{ ([1, 2] | map('string')) | length }}
{{ True }} {{ False }} {{ None }} {{ not None }}
{{ 9223372036854775807 }} {{ -9223372036854775807 }}
{{ users | map(attribute='name') | map('lower') | join(' ') }} {{ users | selectattr('tags') | list | length }} {{ (users | first).name }} {{ users[0]['name'] }} {{ users | map('attr', 'name') | list }}
{% for u in users %}{{ u.name }}{{ ':' ~ u.age if u.age is not none }}{{ ', ' if not loop.last }}{% endfor %}
{% for m in users %}{% if loop.first %}F{% elif loop.last %}L{% else %}M{% endif %}{% endfor %}
{% if n is none and not e and l %}yes{% else %}no{% endif %}{% if n %}1{% elif e %}2{% elif d %}3{% else %}4{% endif %}
{{ '' ~ 1.0 }} {{ 1.0 | string }} {{ [1.0] }} {{ 100000000000000000.0 }} {{ 0.1 + 0.2 }} {{ 1/3 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }}
'''.strip("\n").split("\n")

# Whitespace control needs whole templates.
BLOCKS = [
    "a\n{% if true %}\n  b\n{% endif %}\nc\n", "a\n  {% if true %}\n  b\n  {% endif %}\nc", "  {{ s }}\n  {{ s }}\n", "a\n\n", "a\n", "a", "", "\n",
    "{% for x in [1,2] %}\n{{ x }}\n{% endfor %}\n", "{% for x in [1,2] -%}\n   {{ x }}\n{%- endfor %}\n", "a\r\nb\r\n{% if true %}\r\nc\r\n{% endif %}\r\nd\rE\n",
    "{# c #}\na\n  {# c #}\nb {# c #}\nc", "{#- c -#}\n a", "x {%- if true %} y {%- endif %} z", "x\n{%+ if true %}\ny\n{%+ endif %}\n", "\t {% if true +%}\n b\n{% endif %}",
    "{% raw %}\n{{ a }}\n  {% endraw %}\nb", "{% raw -%}\n {{ a }} {%- endraw %}\nb", "{% set x %}\n line\n{% endset %}\n[{{ x }}]", "{{ s }}\n\n\n{{ s }}\n\n", "a \u00a0{%- if true %}b{% endif -%}\u2003 c",
    "{% macro m(x) %}\n  <{{ x }}>\n{% endmacro %}\n{{ m(1) }}\n{{- m(2) -}}\n|", "  {% generation %}\n x\n  {% endgeneration %}\ny", "{% if true %}a{% endif %}\n\nb", "   {% set a = 1 %}   \n{{ a }}", "{{ '\n' }}x\n{%- set b = '\n' -%}\n{{ b }}y",
    "{% for i in [1,2,3] %}{% if i == 2 %}{% break %}{% endif %}\n{{ i }}{% endfor %}\n\n", "{%- for x in l -%}\n  {{ x }},\n{%- endfor -%}\n", "{% if true -%}\n   \n  a\n   \n{%- endif %}", "{{ 1 -}}\n\n{{- 2 }}", "\n\n{{ 1 }}", "{% filter upper %}\n a\n{% endfilter %}\n",
]


def conversations():
    user, system = {"role": "user", "content": "  Which is better?\n\nA or B?  "}, {"role": "system", "content": "Judge with care. "}
    answer = {"role": "assistant", "content": "<think>\nLet me see.\n</think>\n\n[[A]]"}
    call = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "look", "arguments": {"q": "é <x> 'y'", "n": [1, 2.0]}}}]}
    tool = {"role": "tool", "content": "found\n"}
    again = {"role": "user", "content": "And <|im_end|> now? 😀"}
    reasoned = {"role": "assistant", "content": "B", "reasoning_content": "\nBecause.\n"}
    parts = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
    return [[user], [system, user], [system, user, answer, again], [user, call, tool, tool, answer], [user, reasoned, again, reasoned], [user, answer], [parts], [system], [call, tool]]


def main():
    folder = pathlib.Path(__file__).parent / "templates"
    templates = {p.name: p.read_text() for p in sorted(folder.glob("*.jinja"))}
    tool = [{"type": "function", "function": {"name": "look", "description": "Look \"it\" up <b>", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}}]
    extras = [{}, {"add_generation_prompt": True}, {"add_generation_prompt": True, "enable_thinking": False}, {"tools": tool, "add_generation_prompt": True},
              {"date_string": "1 Jan 2025", "tools": tool, "tools_in_user_message": False}]
    cases = [({"source": source}, "default") for source in LINES + BLOCKS]
    for name, chat, extra in itertools.product(templates, conversations(), extras):
        cases.append(({"template": name}, {"messages": chat, "bos_token": "<s>", "eos_token": "</s>", "tools": None, "documents": None, "add_generation_prompt": False, **extra}))
    out = []
    for case, variables in cases:
        case["variables"] = variables
        variables = V if variables == "default" else variables
        try:
            template = _compile_jinja_template(case.get("source", templates.get(case.get("template"))))
            case["text"] = template.render(strftime_now=NOW.strftime, **variables)
        except Exception as e:  # whatever Jinja2 or Python raises
            case["error"] = f"{type(e).__name__}: {e}"[:120]
        out.append(case)
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        json.dump({"default": V, "templates": templates, "cases": out}, f, ensure_ascii=False, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main()
