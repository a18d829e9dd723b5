"""The documents as a site: what mkdocs.yml calls for beside the Markdown in docs/."""
