// The owner's side of it: a wallet, two signatures, the kill note as a file, and then the session is open.
import { handIn } from "./api.ts";
import type { Hex } from "./bytes.ts";
import { type Child, button, code, el } from "./dom.ts";
import { killNote, save } from "./killnote.ts";
import { isGrave } from "./reading.ts";
import type { ToSign } from "./typed.ts";
import { ownerOf } from "./clone.ts";
import { type Wallet, accountsOf, chainOf, lookForWallets, sayWallet, sign, switchChain } from "./wallet.ts";
import type { Consent } from "./wire.ts";
import { sayRefusal } from "./words.ts";

const STEPS = ["Sign the permission", "Sign the kill note", "Save the kill note and open the session"];
const LOOK = "Look at your wallet: it shows what you sign.";
const CONFIRM = "I have read what stands out: this session can do more than is wise, or has no limit.";

/** What is signed, for whom, and by which link. */
export interface Asked { token: string; consent: Consent; signed: ToSign }

/** The panel in which the owner signs. What comes next is always one button, and has the focus after each step. */
export class Signing {
  readonly element: HTMLElement;
  private readonly body = el("div", { class: "next" });
  private readonly status = el("p", { class: "status", role: "status" });
  private readonly problem = el("p", { class: "problem", role: "alert" });
  private readonly owner: Hex;
  private readonly look: () => void;
  private wallets: Wallet[] = [];
  private wallet: Wallet | null = null;
  private accounts: Hex[] = [];
  private chainId = 0;
  private isConfirmed: boolean;
  private isBusy = false;
  private grant: Hex | null = null;
  private note: Hex | null = null;
  private ended: string | null = null;

  /** @param done is called once the server has both signatures. */
  constructor(private readonly asked: Asked, private readonly done: () => void) {
    this.owner = ownerOf(asked.consent);
    this.isConfirmed = !isGrave(asked.consent);
    const title = el("h2", { id: "sign" }, "Sign");
    this.element = el("section", { class: "panel", "aria-labelledby": "sign" }, title, this.body, this.status, this.problem);
    this.look = lookForWallets((wallets) => {
      this.wallets = wallets;
      this.show(false);
    });
    this.show(false);
  }

  private show(moves: boolean): void {
    const had = this.body.contains(document.activeElement);
    this.body.replaceChildren(...this.content().filter((child) => child !== null));
    if (moves || had) this.body.querySelector<HTMLElement>("[data-next]")?.focus();
  }

  private content(): Child[] {
    if (this.ended !== null) return this.over(this.ended);
    if (this.wallets.length === 0) return this.noWallet();
    if (this.wallet === null) return this.choice();
    if (!this.accounts.includes(this.owner)) return this.wrongAccount();
    if (this.chainId !== this.asked.consent.chain_id) return this.wrongChain(this.wallet);
    return [el("p", { class: "connected" }, `${this.wallet.name}, with your account `, code(this.owner)), this.confirmation(), this.steps()];
  }

  /** Do one thing that may fail, and say so. Only one at a time. */
  private async act(doing: string, work: () => Promise<string>, tell: (error: unknown) => string = sayWallet): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    this.problem.replaceChildren();
    this.status.replaceChildren(doing);
    this.body.setAttribute("aria-busy", "true");
    try {
      this.status.replaceChildren(await work());
    } catch (error) {
      this.status.replaceChildren();
      this.problem.replaceChildren(tell(error));
    }
    this.isBusy = false;
    this.body.removeAttribute("aria-busy");
    this.show(true);
  }

  private async refresh(wallet: Wallet, ask: boolean): Promise<void> {
    this.accounts = await accountsOf(wallet, ask);
    this.chainId = await chainOf(wallet);
  }

  private connect(wallet: Wallet): void {
    void this.act("Look at your wallet: it asks whether this page may see your account.", async () => {
      await this.refresh(wallet, true);
      this.wallet = wallet;
      const changed = () => void this.refresh(wallet, false).then(() => this.show(false), () => this.show(false));
      wallet.provider.on?.("accountsChanged", changed);
      wallet.provider.on?.("chainChanged", changed);
      return "";
    });
  }

  private signGrant(): void {
    void this.act(LOOK, async () => {
      this.grant = await this.signature(this.asked.signed.grant);
      return this.grant === null ? "" : "The permission is signed. Nothing has left this page yet.";
    });
  }

  private signNote(): void {
    void this.act(LOOK, async () => {
      this.note = await this.signature(this.asked.signed.killNote);
      return this.note === null ? "" : "The kill note is signed. Nothing has left this page yet.";
    });
  }

  /** Return the owner's signature; none if the wallet has changed, which the panel then says. */
  private async signature(typed: ToSign["grant"]): Promise<Hex | null> {
    const { wallet } = this;
    if (wallet === null) return null;
    await this.refresh(wallet, false);
    const isReady = this.accounts.includes(this.owner) && this.chainId === this.asked.consent.chain_id;
    return isReady ? sign(wallet, this.owner, typed) : null;
  }

  private finish(): void {
    const { grant, note } = this;
    if (grant === null || note === null) return;
    void this.act(
      "Handing in your signatures.",
      async () => {
        this.saveNote();
        this.ended = await handIn(this.asked.token, grant, note);
        this.done();
        return "";
      },
      (error) => {
        const { title, detail, signsAgain } = sayRefusal(error);
        if (signsAgain) this.grant = this.note = null;
        return `${title}. ${detail}`;
      },
    );
  }

  private saveNote(): void {
    const { consent, signed } = this.asked;
    if (this.note !== null) save(`${consent.session_id}.kill.json`, killNote(consent, signed, this.note));
  }

  private noWallet(): Child[] {
    const again = button("Look again", "quiet", () => {
      this.look();
      this.status.replaceChildren(this.wallets.length === 0 ? "Still no wallet." : "");
    });
    const text = "There is no wallet in this browser. You can read everything here; to sign, open this link where your wallet is.";
    return [el("p", {}, text), next(again)];
  }

  private choice(): Child[] {
    const isOne = this.wallets.length === 1;
    const buttons = this.wallets.map((wallet) =>
      next(button(isOne ? `Connect ${wallet.name}` : wallet.name, "primary", () => this.connect(wallet))),
    );
    const text = isOne ? "Nothing is signed before you have seen it in your wallet." : "Which wallet has the account?";
    return [el("p", {}, text), el("div", { class: "buttons", role: "group", "aria-label": "Wallets" }, ...buttons)];
  }

  private wrongAccount(): Child[] {
    const [given] = this.accounts;
    const found = given === undefined ? "none" : code(given);
    const again = () => this.act("", async () => (this.wallet && (await this.refresh(this.wallet, true)), ""));
    return [
      el("p", { class: "wrong" }, "This is another account. The session is ", this.asked.consent.clone === null ? "for " : "signed by ", code(this.owner), ", your wallet shows ", found, "."),
      el("p", {}, "Choose the account in your wallet."),
      next(button("Look again", "primary", () => void again())),
    ];
  }

  private wrongChain(wallet: Wallet): Child[] {
    const wanted = this.asked.consent.chain_id;
    const change = async () => {
      await switchChain(wallet, wanted);
      await this.refresh(wallet, false);
      return "";
    };
    return [
      el("p", { class: "wrong" }, `Your wallet is on chain ${this.chainId}. The session is for chain ${wanted}.`),
      next(button(`Switch to chain ${wanted}`, "primary", () => void this.act("Look at your wallet.", change))),
    ];
  }

  private confirmation(): Child {
    if (!isGrave(this.asked.consent)) return null;
    const box = el("input", { type: "checkbox", id: "confirm" });
    box.checked = this.isConfirmed;
    box.addEventListener("change", () => {
      this.isConfirmed = box.checked;
      this.show(true);
    });
    return el("p", { class: "confirm" }, this.isConfirmed ? box : next(box), el("label", { for: "confirm" }, CONFIRM));
  }

  private steps(): HTMLElement {
    const at = this.grant === null ? 0 : this.note === null ? 1 : 2;
    const presses = [() => this.signGrant(), () => this.signNote(), () => this.finish()];
    const rows = STEPS.map((text, index) => {
      if (index < at) return el("li", { class: "past" }, text, el("span", {}, ": done"));
      if (index > at) return el("li", { class: "later" }, text);
      const made = next(button(text, "primary", presses[index] ?? (() => undefined)));
      made.disabled = !this.isConfirmed;
      return el("li", { class: "now", "aria-current": "step" }, made);
    });
    return el("ol", { class: "steps" }, ...rows);
  }

  private over(state: string): Child[] {
    const isOpen = state === "open";
    const title = isOpen ? "The session is open" : `The session is ${state}`;
    const text = isOpen
      ? "Your kill note is in your downloads. Keep it: it ends the session at any time, without this server."
      : "It was ended while you signed. Your kill note goes to the chain, so what you have signed cannot be used.";
    const command = code(`valetkey kill ${this.asked.consent.session_id}.kill.json`);
    return [
      next(el("h3", { class: isOpen ? "good" : "wrong", tabindex: "-1" }, title)),
      el("p", {}, text),
      button("Save the kill note again", "quiet", () => this.saveNote()),
      el("p", { class: "why" }, "To end it: ", command, ", or ask whoever asked you."),
    ];
  }
}

function next<T extends HTMLElement>(element: T): T {
  element.setAttribute("data-next", "");
  return element;
}
