"""The gradients of a step under a weighting, and what there is to log of it.

`renewed` and `reused` return a dict: "y_pred", "losses", "extra" (what is trained beside the weighted losses),
"gradients" of the plan's variables, "weights" [T], "conflict" (before and after, or nothing), "renewed" (1.0 or 0.0).
"""

import tensorflow as tf

from mtl_keras.engine import plan as planning
from mtl_keras.engine.tensorflow.jacobian import JoinedBlock, jacobian


def renewed(model, batch):
    """Asks the weighting."""
    plan, replicas = model.plan, batch.replicas
    with tf.GradientTape(persistent=True) as tape:
        run = _forward(model, batch)
    losses = replicas.sum(tf.stack(batch.weighted(run["losses"])))  # [T]
    if plan.reads == "losses":
        return _of_objective(model, tape, run, losses, batch)
    sources = run["features"] or model.partition.shared
    if plan.reads == "halves":
        (first, _), (second, _) = [jacobian(model, tape, half, sources, {}, replicas) for half, _ in run["halves"]]
        own = _own_gradients(model, tape, run)
        shares = [share for _, share in run["halves"]]
        blocks = [JoinedBlock(a, b, shares) for a, b in zip(first, second, strict=True)]
    else:
        blocks, own = jacobian(model, tape, run["scaled"], sources, model.partition.own, replicas)
    gramian = _gramian(blocks, blocks)  # [T, T]
    if plan.level == "features":
        gramian = replicas.sum(gramian)  # the replicas hold other samples of the same features
    if plan.reads == "rows":
        directions, progress = _aggregated(plan.weighting, blocks, losses, batch.present)
        weights = tf.zeros([0])
    else:
        read = gramian
        if plan.reads == "halves":
            read = _gramian(first, second)
            read = replicas.sum(read) if plan.level == "features" else read
        weights = plan.weighting(read, losses, batch.present)
        progress = tf.linalg.matvec(gramian, weights)
        with tf.control_dependencies([gramian]):  # so that nothing else reads the rows, and they are scaled in place
            directions = [block.combine(weights) for block in blocks]
    factor = model.optimizer.scale_loss(1.0)
    if plan.level == "parameters":  # the optimizer sums over the replicas, and J is summed already
        shared = _restored(blocks, directions, factor / replicas.num)
    elif plan.cut:
        seeds = _restored(blocks, directions, factor)
        shared = tape.gradient(sources, model.partition.shared, output_gradients=seeds)
    else:
        shared = _weighted_gradients(model, tape, run, weights)
    conflict = [planning.conflict(gramian, batch.present), planning.conflict_after(progress, batch.present)]
    return _result(model, tape, run, shared, own, weights, tf.stack(conflict), batch)


def reused(model, batch):
    """Uses the weights of the last step that asked the weighting."""
    with tf.GradientTape(persistent=True) as tape:
        run = _forward(model, batch)
    weights = tf.convert_to_tensor(model.plan.weighting.last_weights)
    shared = _weighted_gradients(model, tape, run, weights)
    own = _own_gradients(model, tape, run)
    return _result(model, tape, run, shared, own, weights, tf.zeros([2]), batch, renewed=0.0)


def _forward(model, batch):
    """Returns the outputs and losses; to be called under a tape."""
    plan, scale = model.plan, model.optimizer.scale_loss
    run = {"y_pred": (plan.features_model or model)(batch.x, training=True), "features": None}
    if plan.features_model is not None:
        run.update(run["y_pred"])
    run["losses"] = batch.losses(run["y_pred"], training=True)
    run["scaled"] = [scale(loss) for loss in batch.weighted(run["losses"])]
    run["extra"] = tf.convert_to_tensor(batch.regularization() + batch.penalty(), tf.float32)
    run["scaled_extra"] = scale(run["extra"])
    if plan.reads == "halves":
        run["halves"] = [
            ([scale(loss) for loss in batch.weighted(losses)], tf.stack(shares))
            for losses, shares in batch.losses_of_halves(run["y_pred"])
        ]
    return run


def _gramian(blocks, others):
    """Returns the product of two Jacobians, J₁·J₂ᵀ, accumulated block by block. [T, T]"""
    return tf.add_n([block.gramian(other) for block, other in zip(blocks, others, strict=True)])


def _aggregated(weighting, blocks, losses, present):
    """Returns the direction d of a weighting that reads the rows, by block, and J·d [T]."""
    if weighting.by_column:
        directions, progress = [], tf.zeros_like(present)
        for block in blocks:
            with tf.control_dependencies([progress]):  # so that what lies between is there for one block at a time
                direction, products = block.aggregated(lambda rows: weighting(rows, losses, present))
            directions.append(direction)
            progress = progress + products
        return directions, progress
    rows = [block.stacked() for block in blocks]
    joined = tf.concat(rows, axis=1)  # [T, P]
    direction = weighting(joined, losses, present)  # [P]
    return tf.split(direction, [row.shape[1] for row in rows]), tf.linalg.matvec(joined, direction)


def _restored(blocks, directions, factor):
    """Returns the direction as gradients of the variables or feature tensors that the blocks belong to."""
    return [block.restore(d * factor) for block, d in zip(blocks, directions, strict=True)]


def _weighted_gradients(model, tape, run, weights):
    """Returns the gradients of the weighted losses for the shared variables, from one pass."""
    return tape.gradient(run["scaled"], model.partition.shared, output_gradients=tf.unstack(weights))


def _own_gradients(model, tape, run):
    """Returns each task's plain gradients for its own variables."""
    pairs = zip(model.partition.own.values(), run["scaled"], strict=True)
    return [tape.gradient(loss, own) for own, loss in pairs]


def _of_objective(model, tape, run, losses, batch):
    """Returns the result for a weighting that reads the losses."""
    plan = model.plan
    with tf.GradientTape() as inner:
        inner.watch(losses)
        objective = plan.weighting(losses, batch.present)
    trained = plan.weighting.trainable_variables
    weights, *gradients = inner.gradient(objective, [losses, *trained])
    factor = model.optimizer.scale_loss(1.0) / batch.replicas.num
    targets, seeds = [*run["scaled"], run["scaled_extra"]], [*tf.unstack(weights), tf.ones([])]
    variables = plan.variables[: len(plan.variables) - len(trained)]
    of_model = tape.gradient(targets, variables, output_gradients=seeds)
    gradients = [*of_model, *(g * factor for g in gradients)]
    return _logged(model, run, gradients, weights, tf.zeros([0]))


def _result(model, tape, run, shared, own, weights, conflict, batch, renewed=1.0):
    """Returns the gradients of all variables in the plan's order, and what there is to log."""
    plan = model.plan
    if plan.apply_to == "all":
        own = [[_times(g, w) for g in task] for task, w in zip(own, tf.unstack(weights), strict=True)]
    gradients = [*shared, *(g for task in own for g in task)]
    extra = tape.gradient(run["scaled_extra"], plan.variables)
    gradients = [_sum(v, *parts) for v, *parts in zip(plan.variables, gradients, extra, strict=True)]
    if plan.every > 1:
        gradients = [tf.convert_to_tensor(g) for g in gradients]  # both branches must return the same kinds
        if renewed:
            last = plan.weighting.last_weights
            last.assign(tf.where(batch.present > 0, weights, last.value))
    return _logged(model, run, gradients, weights, conflict, renewed)


def _logged(model, run, gradients, weights, conflict, renewed=1.0):
    factors = [o.loss_weight for o in model.objectives.values()]
    return {
        **{name: run[name] for name in ("y_pred", "losses", "extra")},
        "gradients": gradients,
        "weights": weights * factors if weights.shape[0] else weights,
        "conflict": conflict,
        "renewed": tf.constant(renewed),
    }


def _sum(variable, *gradients):
    """Returns the sum of the gradients that are there, sparse if the only one is."""
    gradients = [g for g in gradients if g is not None]
    if len(gradients) == 1:
        return gradients[0]
    return tf.add_n([tf.convert_to_tensor(g) for g in gradients]) if gradients else tf.zeros_like(variable)


def _times(gradient, factor):
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor
