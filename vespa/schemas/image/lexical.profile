# BM25 of the words. A clause that weighs more stands in the query more often; `unit` undoes the
# repetition, so that a word of weight 1 counts its plain BM25. What a caption denies counts the
# share `denied`.
rank-profile lexical {
  inputs {
    query(unit) double: 1.0
    query(denied) double: 0.1
  }
  function bm25_score() {
    expression: query(unit) * (bm25(caption) + query(denied) * bm25(negated))
  }
  first-phase {
    expression: bm25_score
  }
  match-features: bm25_score
}
