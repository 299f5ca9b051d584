// What a person does in the example app.

export const PASSWORD = "correct-horse-battery";

export class App {
  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
  }

  static async open(context, origin, path = "/") {
    const app = new App(await context.newPage(), origin);
    await app.visit(path);
    return app;
  }

  visit = (path) => this.page.goto(`${this.origin}/#${path}`);

  heading = (name) => this.#see(this.page.getByRole("heading", { level: 1, name }));

  /** In exactly these words: half a sentence may stand somewhere else, too. */
  says = (text) => this.#see(this.page.getByText(text, { exact: true }));

  press = (name, scope = this.page) => scope.getByRole("button", { name, exact: true }).click();

  follow = (name) => this.page.getByRole("link", { name, exact: true }).click();

  /** One of several cards on a page. */
  card = (name) => this.page.locator("section", { has: this.page.getByRole("heading", { name, exact: true }) });

  async fill(values, scope = this.page) {
    for (const [label, value] of Object.entries(values)) {
      await scope.getByLabel(label, { exact: true }).fill(value);
    }
  }

  async #see(locator) {
    try {
      await locator.waitFor();
    } catch (error) {
      const seen = await this.page.locator("body").innerText();
      throw new Error(`${error.message}\n${this.page.url()} says:\n${seen}`);
    }
  }

  async register(name) {
    await this.visit("/register");
    await this.fill({
      "User name": name,
      "E-mail address": `${name}@example.com`,
      Password: PASSWORD,
      "Password, again": PASSWORD,
    });
    await this.press("Create account");
    await this.heading("Check your mail");
  }

  async login(identifier, password = PASSWORD) {
    await this.visit("/login");
    await this.fill({ "User name or e-mail address": identifier, Password: password });
    await this.press("Log in");
    await this.heading("Profile");
  }

  async logout() {
    await this.press("Log out");
    await this.says("You are logged out.");
  }
}
