import { assert, describe, it } from "vitest";
import { escape, html, join, nothing, trusted } from "./html.ts";

describe("html", () => {
  it("escapes what is put into a template, in text and in attributes", () => {
    const hostile = `</script><img src='x' onerror="alert(1)">&`;
    assert.equal(
      html`<b title="${hostile}">${hostile}</b>`.text,
      `<b title="&lt;/script&gt;&lt;img src=&#39;x&#39; onerror=&quot;alert(1)&quot;&gt;&amp;">&lt;/script&gt;&lt;img src=&#39;x&#39; onerror=&quot;alert(1)&quot;&gt;&amp;</b>`,
    );
  });

  it("takes templates, lists and numbers, and does not escape twice", () => {
    const items = ["a<b", html`<i>c</i>`, 3, [html`d`, "&"]];
    assert.equal(html`<p>${items}</p>`.text, "<p>a&lt;b<i>c</i>3d&amp;</p>");
    assert.equal(trusted("<hr>").text, "<hr>");
    assert.equal(join(["a", "b", "<"], ", ").text, "a, b, &lt;");
  });

  it("shows nothing for what is not there and for numbers that are none", () => {
    assert.equal(
      html`<p>${undefined}${null}${false}${nothing}${NaN}${Infinity}</p>`.text,
      "<p></p>",
    );
    assert.equal(html`${0}`.text, "0");
  });

  it("replaces characters that are no text", () => {
    assert.equal(escape("a\u0000b\u001B[31m\uD800"), "a\uFFFDb\uFFFD[31m\uFFFD");
    assert.equal(escape("tab\tline\n乗り継ぎ"), "tab\tline\n乗り継ぎ");
  });

  it("leaves indentation of the source out, and keeps that of what is shown", () => {
    const text = html`<div>
      <pre>${"a\n    b"}</pre>
    </div>`.text;
    assert.equal(text, "<div>\n<pre>a\n    b</pre>\n</div>");
  });
});
