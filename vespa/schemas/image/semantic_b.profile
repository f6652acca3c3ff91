# Cosine with the vectors in place b.
rank-profile semantic_b inherits lexical {
  inputs {
    query(q) tensor<float>(x[512])
    query(alpha) double: 0.5
  }
  # A narrow filter is searched exactly, a wide one after the graph (docs/vespa.md, "Tuning").
  approximate-threshold: 0.05
  post-filter-threshold: 0.75
  # Without a nearestNeighbor in the query the distance would be the largest number there is.
  function cosine() {
    expression: if (closeness(field, embedding_b) > 0, 1 - distance(field, embedding_b), 0)
  }
  first-phase {
    expression: cosine
  }
  match-features {
    cosine
    bm25_score
  }
}
