// Promote and roll back, with the service's token. The token stays in this page's memory; the
// observatory passes it on to the service and keeps nothing.

import { fetchJson } from "./api.js";
import { announce, el } from "./dom.js";
import { oneLine } from "./text.js";

let token = ""; // until the page is closed

/**
 * {element, set(registry), promote(version)}; `done` is called after a change.
 * @param {() => void} done
 */
export function changeButtons(done) {
  const dialog = new ChangeDialog(done);
  const back = el("button", { type: "button" }, "Roll back …");
  const element = el("p.actions", { hidden: true }, back, dialog.element);
  let previous = "";
  back.onclick = () =>
    dialog.open(`Roll back to ${previous}`, "/api/models/rollback", "Roll back", false);
  return {
    element,
    set(registry) {
      previous = registry?.previous.at(-1) ?? "";
      element.hidden = !previous;
    },
    /** A button, or null for the version that serves. */
    promote({ id, role, damaged, card }) {
      if (role === "champion" || damaged || !/^[0-9a-z-]+$/.test(id)) return null;
      const button = el(
        "button.small",
        { type: "button", "aria-label": `Promote ${oneLine(id, 40)}` },
        "Promote …",
      );
      const refused = card?.gate?.passed === false;
      button.onclick = () =>
        dialog.open(`Promote ${oneLine(id, 40)}`, `/api/models/${id}/promote`, "Promote", refused);
      return button;
    },
  };
}

class ChangeDialog {
  #address = "";
  #done;

  constructor(done) {
    this.#done = done;
    this.title = el("h2", { id: "change-title" });
    this.token = field("password", "off", "token");
    this.by = field("text", "username", "by");
    this.reason = field("text", "off", "reason");
    this.force = el("input", { type: "checkbox", name: "force" });
    this.forced = el("label.check", {}, this.force, " Promote it although the gate refused it");
    this.error = el("p.bad", { role: "alert", hidden: true });
    this.submit = el("button.main", { type: "submit" });
    const cancel = el("button", { type: "button" }, "Cancel");
    cancel.onclick = () => this.element.close();
    const form = el(
      "form",
      { autocomplete: "off" },
      this.title,
      el("p.quiet", {}, "Every worker of the service uses it from its next request on."),
      labelled("Token of the service (VITRINE_TOKEN)", this.token),
      labelled("Your name, for the audit log", this.by),
      labelled("Reason", this.reason),
      this.forced,
      this.error,
      el("p.buttons", {}, this.submit, cancel),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    this.element = el("dialog.change", { "aria-labelledby": "change-title" }, form);
  }

  open(title, address, verb, refused) {
    this.#address = address;
    this.title.textContent = title;
    this.submit.textContent = verb;
    this.token.value = token;
    this.forced.hidden = !refused;
    this.force.checked = false;
    this.error.hidden = true;
    this.element.showModal();
    (token ? this.reason : this.token).focus();
  }

  async #send() {
    token = this.token.value.trim();
    this.submit.disabled = true;
    const post = { reason: this.reason.value.trim() };
    if (this.by.value.trim()) post.by = this.by.value.trim();
    if (this.force.checked) post.force = true;
    try {
      const change = await fetchJson(this.#address, { post, token });
      this.element.close();
      announce(`${oneLine(change.version, 40)} serves`);
      this.#done();
    } catch (error) {
      this.error.textContent = oneLine(error.message, 400);
      this.error.hidden = false;
    } finally {
      this.submit.disabled = false;
    }
  }
}

const field = (type, autocomplete, name) => el("input", { type, autocomplete, name, spellcheck: "false" });
const labelled = (text, input) => el("label", {}, text, input);
