"""What `compile` may be given for a model that several replicas train."""

from mtl_keras.engine import can_repeat, clips


def check_replicas(model):
    """Raises a ValueError for what cannot work under a `tf.distribute` strategy with several replicas.

    Args:
        model: A `MultiTaskModel` that Keras has compiled.
    """
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync == 1:
        return
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    optimizers = [inner, *getattr(inner, "optimizers", [])]
    where = f"under a tf.distribute strategy with {strategy.num_replicas_in_sync} replicas"
    for optimizer in optimizers:
        if (optimizer.gradient_accumulation_steps or 1) > 1:
            raise ValueError(
                f"`gradient_accumulation_steps` must be None {where}. Received: "
                f"{optimizer.gradient_accumulation_steps}. Use larger batches, or more replicas."
            )
        if optimizer.use_ema and optimizer.ema_overwrite_frequency:
            raise ValueError(
                f"`ema_overwrite_frequency` must be None {where}. Received: {optimizer.ema_overwrite_frequency}. With "
                "None, the averages become the weights at the end of `fit`."
            )
    if len(optimizers) > 1 and not hasattr(inner, "optimizer_map") and any(clips(o) for o in optimizers):
        raise ValueError(
            f"`optimizer` must not be a MultiOptimizer with gradient clipping {where}, as Keras clips the gradients of "
            "each replica. Use `mtl_keras.optimizers.by_part`, which clips their sum."
        )
    if model.jit_compile:
        raise ValueError(f'`jit_compile` must be False or "auto" {where}. Received: True.')
    if model.steps_per_execution > 1 and not model.run_eagerly and not can_repeat(strategy):
        raise ValueError(
            f"`steps_per_execution` must be 1 {where}, which cannot sum in a loop. Received: "
            f"{model.steps_per_execution}. Use 1, or for the replicas of one machine "
            "`tf.distribute.MirroredStrategy(cross_device_ops=tf.distribute.ReductionToOneDevice())`."
        )
